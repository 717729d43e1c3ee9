// Why a course is not open, in words, and what to do. That it is not open the database has said;
// this only explains it from the user's own purchases.
import type { Purchase } from './thetis/purchases'
import { day } from './words'

export type Why = { words: string; next: 'buy' | 'buy again' | 'write' }

export function whyClosed(slug: string, purchases: Purchase[], email: string): Why {
  const last = purchases.filter((purchase) => purchase.product_slug === slug).at(-1)
  if (!last) return { words: `Not bought with ${email}.`, next: 'buy' }
  const order = last.shopify_order_number ? `Order #${last.shopify_order_number}` : 'Your purchase'
  switch (last.status) {
    case 'refunded':
      return { words: `${order} was paid back.`, next: 'buy again' }
    case 'cancelled': // the order was, or its payment was charged back, or an operator took it away
      return { words: `${order} no longer opens it.`, next: 'write' }
    case 'active':
    case 'expired':
      return { words: `Your access ended on ${day(last.expires_at)}.`, next: 'buy again' }
  }
}
