// What an operator may do from where they are, before they have said why.
import type { Act, Customer, CustomerAnswer, HeldPurchase, Resent, Wish } from '../thetis/support'
import { act, resend } from '../thetis/support'
import type { Client } from '../thetis/purchases'
import { kindOf, nameOf, stateOf } from './words'

// What has to be typed beside the reason.
export type Asks = { slug?: string; address?: string; until?: 'needed' | 'or for ever' }
export type Filled = { slug: string; address: string; until: string }

export type Draft = {
  button: string
  title: string
  asks: Asks
  run: (supabase: Client, filled: Filled, reason: string, dryRun: boolean) => Promise<Outcome>
}

export type Outcome = { isChange: boolean; heading: string; lines: string[] }

// The last moment of a day, as the commands read it.
export const endOf = (date: string) => (date ? `${date}T23:59:59Z` : null)

function draft(button: string, title: string, asks: Asks, wish: (filled: Filled) => Wish): Draft {
  return {
    button,
    title,
    asks,
    run: async (supabase, filled, reason, dryRun) =>
      ofAct(await act(supabase, wish(filled), reason, dryRun)),
  }
}

export function draftsOf(customer: Customer, purchase?: HeldPurchase): (Draft | null)[] {
  if (!purchase) return [grant(customer.addresses[0] ?? ''), ...customer.orders.map(resendOf)]
  return [
    purchase.is_revoked ? restore(purchase) : revoke(purchase),
    canEndLater(purchase) ? extend(purchase) : null,
    transfer(purchase),
    purchase.order_number ? transferOrder(purchase.order_number) : null,
  ]
}

const canEndLater = ({ status, expires_at }: HeldPurchase) =>
  (status === 'active' && expires_at !== null) || status === 'expired'

type Step = 'resend' | 'transfer' | 'extend' | 'restore' | 'grant'

// The act that the answer to a "no" leads to, if there is what it needs.
export function stepDraft(step: Step, told: CustomerAnswer, customer: Customer): Draft | null {
  const purchase = customer.purchases.find(({ id }) => id === told.purchase_id)
  switch (step) {
    case 'grant':
      return grant(told.address || customer.addresses[0] || '', told.product)
    case 'resend': {
      const order = customer.orders.find((each) => each.order_number === told.order_number)
      return order ? resendOf(order) : null
    }
    case 'transfer':
      if (!purchase) return told.order_number ? transferOrder(told.order_number) : null
      return transfer(purchase)
    case 'extend':
      return purchase ? extend(purchase) : null
    case 'restore':
      return purchase ? restore(purchase) : null
  }
}

function grant(recipient: string, slug = ''): Draft {
  const grantId = crypto.randomUUID()
  return draft(
    'Grant',
    slug ? `Grant ${slug}` : 'Grant a course',
    { slug, address: recipient, until: 'or for ever' },
    (filled) => ({
      act: 'grant',
      slug: filled.slug,
      recipient: filled.address,
      until: endOf(filled.until),
      grantId,
    })
  )
}

const ofOrder = ({ product, order_number }: HeldPurchase) =>
  order_number ? `${product} of order #${order_number}` : product

const named = ({ id, address }: HeldPurchase) => ({ purchaseId: id, expected: address })

const revoke = (purchase: HeldPurchase) =>
  draft('Revoke', `Revoke ${ofOrder(purchase)}`, {}, () => ({ act: 'revoke', ...named(purchase) }))

const restore = (purchase: HeldPurchase) =>
  draft('Restore', `Restore ${ofOrder(purchase)}`, {}, () => ({
    act: 'restore',
    ...named(purchase),
  }))

const extend = (purchase: HeldPurchase) =>
  draft('Extend', `Extend ${ofOrder(purchase)}`, { until: 'needed' }, ({ until }) => ({
    act: 'extend',
    ...named(purchase),
    until: endOf(until) ?? 'infinity',
  }))

const transfer = (purchase: HeldPurchase) =>
  draft('Transfer', `Transfer ${ofOrder(purchase)}`, { address: '' }, ({ address }) => ({
    act: 'transfer',
    ...named(purchase),
    address,
  }))

const transferOrder = (number: string) =>
  draft('Transfer order', `Transfer the whole order #${number}`, { address: '' }, (filled) => ({
    act: 'transfer order',
    orderName: number,
    address: filled.address,
  }))

function resendOf(order: { order_number: string | null; shopify_order_id: string }): Draft {
  const name = order.order_number ?? order.shopify_order_id
  return {
    button: `Resend the email of #${name}`,
    title: `Resend the course email of order #${name}`,
    asks: {},
    run: async (supabase, _filled, reason, dryRun) =>
      ofResent(await resend(supabase, name, reason, dryRun)),
  }
}

const WILL_CHANGE = 'This will change:'

function ofAct(changed: Act): Outcome {
  const before = new Map(changed.before.map((purchase) => [purchase.id, purchase]))
  const purchases = changed.after.flatMap((after) => {
    const earlier = before.get(after.id)
    const now = `${changed.dry_run ? 'after' : 'now'}: ${stateOf(after)}`
    return [nameOf(after), ...(earlier ? [`before: ${stateOf(earlier)}`] : []), now]
  })
  const messages = changed.messages.map(
    ({ kind, address, change }) => `${change}: ${kindOf(kind)}${address ? ` to ${address}` : ''}`
  )
  return {
    isChange: changed.outcome === 'done',
    heading: changed.outcome === 'done' ? WILL_CHANGE : 'Nothing to do: it is so already.',
    lines: [...purchases, ...(messages.length ? messages : ['no message goes out'])],
  }
}

function ofResent(resent: Resent[]): Outcome {
  const isChange = resent.some(({ outcome }) => outcome === 'enqueued')
  return {
    isChange,
    heading: isChange ? WILL_CHANGE : 'Nothing can be sent.',
    lines: resent.map(({ outcome, email, refusal }) =>
      outcome === 'enqueued' ? `the course email goes to ${email}` : `refused: ${refusal}`
    ),
  }
}
