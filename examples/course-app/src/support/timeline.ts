// What happened to a customer, out of all that is known, as dated events in words.
import type { ChangedPurchase, Customer, Dispute, Message, Order, PastAct } from '../thetis/support'
import { minute, until } from '../words'
import { DONE, kindOf, stateOf } from './words'

export type Happened = { at: string; words: string; detail?: string; times?: number }

export function timeline(customer: Customer): Happened[] {
  const all: [string | null, string, string?][] = [
    ...customer.orders.flatMap(ofOrder),
    ...customer.accounts.flatMap((account): [string | null, string][] => [
      [account.created_at, `account created with ${account.address}`],
      [account.confirmed_at, `address ${account.address} confirmed`],
      [account.deleted_at, `account of ${account.address} deleted`],
    ]),
    ...customer.purchases.map((purchase): [string | null, string, string] => {
      const order = `bought in ${orderName(purchase.order_number, purchase.shopify_order_id)}`
      const source = { grant: 'granted', enrollment: 'taken over from the old enrollments' }
      const how = purchase.source === 'order_line' ? order : source[purchase.source]
      const words = `${purchase.product} ${how}; now ${stateOf(purchase)}`
      return [purchase.purchased_at, words, `purchase ${purchase.id}`]
    }),
    ...customer.rejected.map((kept): [string, string] => [
      kept.received_at,
      `webhook ${kept.topic} could not be used: ${kept.reason}`,
    ]),
    ...customer.acts.map(ofAct),
    ...customer.messages.map(ofMessage),
  ]
  const happened = all
    .flatMap(([at, words, detail]) =>
      at && isDated(at) ? [{ at, words, ...(detail ? { detail } : {}) }] : []
    )
    .sort((one, other) => second(one.at) - second(other.at)) // of one second: cause before effect
  return happened.reduce(gathered, [])
}

// What happens again and again, such as a look, is told once.
function gathered(told: Happened[], next: Happened): Happened[] {
  const last = told.at(-1)
  if (last?.words !== next.words || last.detail !== next.detail) return [...told, next]
  return [...told.slice(0, -1), { ...last, times: (last.times ?? 1) + 1 }]
}

const second = (moment: string) => Math.floor(Date.parse(moment) / 1000)

const isDated = (moment: string) => !Number.isNaN(Date.parse(moment))

const orderName = (number: string | null, id: string | null) =>
  number ? `order #${number}` : `order ${id}`

function ofOrder(order: Order): [string | null, string][] {
  const name = orderName(order.order_number, order.shopify_order_id)
  const lines = order.lines.map(({ product_slug: slug, quantity }) =>
    (quantity ?? 1) === 1 ? (slug ?? 'an unknown product') : `${quantity} ${slug}`
  )
  const by = order.email ? `by ${order.email}` : 'without an address'
  const test = order.is_test ? ', a test' : ''
  return [
    [
      order.purchased_at ?? order.first_recorded_at,
      `${name} made ${by}: ${lines.join(', ') || 'nothing of ours'}${test}`,
    ],
    [order.paid_as_of, `${name} paid`],
    [order.voided_as_of, `payment of ${name} voided`],
    [order.refunded_as_of, `all money of ${name} paid back`],
    [order.cancelled_at, `${name} cancelled`],
    [order.erased_at, `person of ${name} forgotten`],
    ...order.disputes.map((dispute): [string, string] => [
      dispute.first_recorded_at,
      ofDispute(dispute, name),
    ]),
    [
      order.is_historic ? order.first_recorded_at : null,
      `${name} heard of for the first time, too late for messages`,
    ],
  ]
}

function ofDispute(dispute: Dispute, order: string): string {
  const kind = dispute.is_chargeback ? 'chargeback' : 'inquiry'
  const state = dispute.status ?? (dispute.is_chargeback ? null : dispute.inquiry_status)
  const now = state ? (DISPUTED[state] ?? state) : 'in a state that we do not know'
  return `${kind} about ${order} heard of; now ${now}`
}

const DISPUTED: Partial<Record<string, string>> = {
  needs_response: "waiting for the shop's answer",
  under_review: 'waiting for the bank',
  accepted: 'accepted by the shop',
  charge_refunded: 'paid back',
}

function ofMessage(message: Message): [string, string, string] {
  const settled = { dead: 'given up', skipped: 'withdrawn' }[message.status] ?? message.status
  const state = message.status === 'pending' ? `due ${minute(message.due_at)}` : settled
  const delivery = message.delivery && message.delivery !== 'sent' ? `, ${message.delivery}` : ''
  const error = message.delivery_reason ?? message.last_error
  const to = message.address ? ` to ${message.address}` : ''
  return [
    message.settled_at ?? message.enqueued_at,
    `${kindOf(message.kind)}${to} ${state}${delivery}${error ? `, because: ${error}` : ''}`,
    `message ${message.id}`,
  ]
}

const ABOUT_ADDRESS = ['request_code', 'prove_address', 'remove_address']

function ofAct(act: PastAct): [string, string, string] {
  const because = act.reason ? `, because: ${act.reason}` : ''
  const words = DONE[act.action] ?? act.action.replaceAll('_', ' ')
  const about = ABOUT_ADDRESS.includes(act.action) ? ` ${act.email ?? ''}` : ''
  return [act.occurred_at, `${words}${about}${changes(act)}${because}`, `by ${act.operator}`]
}

function changes(act: PastAct): string {
  if (!Array.isArray(act.after) || !act.after.length) return ''
  const earlier = new Map(act.before?.map((purchase) => [purchase.id, purchase]))
  return ` ${act.after.map((now) => change(earlier.get(now.id), now)).join(', ')}`
}

function change(before: ChangedPurchase | undefined, now: ChangedPurchase): string {
  const names = ['address', 'status', 'expires_at'] as const
  const shown = (name: (typeof names)[number], purchase: ChangedPurchase) =>
    name === 'expires_at' ? until(purchase[name]) : purchase[name] || 'no address'
  const told = names
    .filter((name) => before && before[name] !== now[name])
    .map((name) => (before ? `${shown(name, before)} → ${shown(name, now)}` : ''))
  return told.length ? `${now.product} (${told.join(', ')})` : now.product
}
