// The support desk: what `thetis customer` does, for staff who are signed in. The database decides
// who is staff; everybody else is refused.
import type { Client } from './purchases'
import { answer } from './purchases'

export type Reason =
  | 'has_access'
  | 'other_account'
  | 'not_linked'
  | 'address_not_confirmed'
  | 'single_sign_on'
  | 'no_account'
  | 'account_deleted'
  | 'expired'
  | 'charged_back'
  | 'revoked'
  | 'cancelled'
  | 'refunded'
  | 'waiting_for_payment'
  | 'no_address'
  | 'erased'
  | 'product_unknown'

export type CustomerAnswer = {
  product: string
  name: string | null
  has_access: boolean
  reason: Reason
  since: string | null
  until: string | null
  purchase_id: string | null
  order_number: string | null
  address: string | null
  owner_address: string | null
}

export type Account = {
  user_id: string
  address: string
  created_at: string | null
  confirmed_at: string | null
  last_sign_in_at: string | null
  is_single_sign_on: boolean
  deleted_at: string | null
  proven_addresses: { address: string; proven_at: string }[]
}

export type HeldPurchase = {
  id: string
  product: string
  reason: Reason
  status: string
  source: 'grant' | 'order_line' | 'enrollment'
  order_number: string | null
  shopify_order_id: string | null
  address: string
  user_id: string | null
  purchased_at: string | null
  expires_at: string | null
  is_revoked: boolean
}

export type Order = {
  shopify_order_id: string
  order_number: string | null
  email: string | null
  is_test: boolean
  is_historic: boolean
  purchased_at: string | null
  first_recorded_at: string
  paid_as_of: string | null
  voided_as_of: string | null
  refunded_as_of: string | null
  cancelled_at: string | null
  erased_at: string | null
  lines: { product_slug: string | null; quantity: number | null }[]
  disputes: Dispute[]
}

export type Dispute = {
  is_chargeback: boolean
  status: string | null
  inquiry_status: string | null
  first_recorded_at: string
}

export type Message = {
  id: string
  kind: string
  status: string
  shopify_order_id: string | null
  address: string | null
  enqueued_at: string
  due_at: string
  settled_at: string | null
  last_error: string | null
  delivery: string | null
  delivery_reason: string | null
}

export type PastAct = {
  id: number
  occurred_at: string
  operator: string
  action: string
  email: string | null
  reason: string | null
  before: ChangedPurchase[] | null
  after: ChangedPurchase[] | Record<string, unknown> | null
}

export type Customer = {
  query: string
  found_by: 'address' | 'order' | 'account' | 'purchase' | 'message' | null
  addresses: string[]
  answer: CustomerAnswer[]
  accounts: Account[]
  purchases: HeldPurchase[]
  orders: Order[]
  messages: Message[]
  acts: PastAct[]
  rejected: { id: number; topic: string; reason: string; received_at: string }[]
  near_misses: { addresses: string[]; orders: string[] }
}

export type ChangedPurchase = {
  id: string
  product: string
  order_number: string | null
  address: string
  user_id: string | null
  status: string
  expires_at: string | null
}

// What an act changes, or with `dry_run` would change.
export type Act = {
  action: string
  outcome: 'done' | 'unchanged'
  dry_run: boolean
  before: ChangedPurchase[]
  after: ChangedPurchase[]
  messages: { kind: string; address: string | null; change: 'enqueued' | 'withdrawn' }[]
}

export type Resent = {
  outcome: 'enqueued' | 'refused'
  email: string | null
  refusal: string | null
}

// What an operator asks for. A grant has its own id, so that it is given once however often it is
// asked; `until` is a moment, or `infinity`.
export type Wish =
  | { act: 'grant'; slug: string; recipient: string; until: string | null; grantId: string }
  | { act: 'revoke' | 'restore'; purchaseId: string; expected: string }
  | { act: 'extend'; purchaseId: string; expected: string; until: string }
  | { act: 'transfer'; purchaseId: string; expected: string; address: string }
  | { act: 'transfer order'; orderName: string; address: string }

export async function lookUp(supabase: Client, query: string): Promise<Customer> {
  return json<Customer>(answer(await supabase.rpc('customer_timeline', { query })))
}

export async function exportCustomer(supabase: Client, address: string): Promise<unknown> {
  return answer(await supabase.rpc('export_customer', { address }))
}

export async function resend(
  supabase: Client,
  orderName: string,
  reason: string,
  dryRun: boolean
): Promise<Resent[]> {
  const args = { order_name: orderName, kind: 'course_access', reason, dry_run: dryRun }
  return json<Resent[]>(answer(await supabase.rpc('resend_notification', args)))
}

// Does it, or with `dryRun` only says what it would change.
export async function act(
  supabase: Client,
  wish: Wish,
  reason: string,
  dryRun: boolean
): Promise<Act> {
  const said = { reason, dry_run: dryRun }
  switch (wish.act) {
    case 'grant': {
      const { slug, recipient, until, grantId } = wish
      const given = { slug, recipient, grant_id: grantId, ...(until ? { until } : {}) }
      return json<Act>(answer(await supabase.rpc('grant_access', { ...given, ...said })))
    }
    case 'revoke':
      return json<Act>(answer(await supabase.rpc('revoke_purchase', { ...meant(wish), ...said })))
    case 'restore':
      return json<Act>(answer(await supabase.rpc('restore_purchase', { ...meant(wish), ...said })))
    case 'extend': {
      const args = { ...meant(wish), until: wish.until, ...said }
      return json<Act>(answer(await supabase.rpc('extend_purchase', args)))
    }
    case 'transfer': {
      const args = { ...meant(wish), address: wish.address, ...said }
      return json<Act>(answer(await supabase.rpc('transfer_purchase', args)))
    }
    case 'transfer order': {
      const args = { order_name: wish.orderName, address: wish.address, ...said }
      return json<Act>(answer(await supabase.rpc('transfer_order', args)))
    }
  }
}

const meant = (wish: { purchaseId: string; expected: string }) => ({
  purchase_id: wish.purchaseId,
  ...(wish.expected ? { expected_address: wish.expected } : {}),
})

// To TypeScript a function of the database that answers with a document answers with any JSON.
const json = <T>(document: unknown) => document as T
