import { courseWords } from '../courses'
import { useSession } from '../session'
import type { Product, Purchase, PurchaseStatus } from '../thetis/purchases'
import { listProducts } from '../thetis/purchases'
import { useQuestion } from '../useQuestion'
import { day } from '../words'

const STATUS: Record<PurchaseStatus, string> = {
  active: 'Active',
  expired: 'Ended',
  cancelled: 'Cancelled',
  refunded: 'Paid back',
}

export function PurchaseList({ purchases }: { purchases: Purchase[] }) {
  const { supabase } = useSession()
  const sold = useQuestion(() => listProducts(supabase), '')
  const products = new Map(sold.answer?.map((product) => [product.slug, product]))
  return (
    <ul className="rows">
      {purchases.map((purchase) => (
        <li key={purchase.id}>
          <div>
            <strong>
              {products.get(purchase.product_slug)?.name ?? courseWords(purchase.product_slug).name}
            </strong>
            <p className="small">{facts(purchase, products.get(purchase.product_slug))}</p>
          </div>
          <span className={isOpen(purchase) ? 'badge badge-good' : 'badge'}>
            {STATUS[isOver(purchase) ? 'expired' : purchase.status]}
          </span>
        </li>
      ))}
    </ul>
  )
}

const isOver = ({ status, expires_at }: Purchase) =>
  status === 'active' && expires_at !== null && Date.parse(expires_at) <= Date.now()
const isOpen = (purchase: Purchase) => purchase.status === 'active' && !isOver(purchase)

function facts(purchase: Purchase, product: Product | undefined): string {
  const { shopify_order_number: number, purchased_at, expires_at, status } = purchase
  const isGone = status === 'cancelled' || status === 'refunded'
  return [
    number ? `Order #${number}` : 'Without an order',
    purchased_at ? `bought on ${day(purchased_at)}` : '',
    isGone || product?.category !== 'course' ? '' : access(expires_at),
  ]
    .filter(Boolean)
    .join(' · ')
}

function access(end: string | null): string {
  if (!end) return 'access for ever'
  return Date.parse(end) <= Date.now() ? `access ended on ${day(end)}` : `access until ${day(end)}`
}
