// What support staff read: why there is access or not, and what to do about it. The same as
// `thetis customer show` says.
import type { ChangedPurchase, CustomerAnswer, Reason } from '../thetis/support'
import { day, until } from '../words'

const WHY: Record<Reason, (told: CustomerAnswer) => string> = {
  has_access: ({ until: end }) => `yes, ${until(end)}`,
  other_account: (told) => `no: it belongs to the account of ${owner(told)}`,
  not_linked: (told) =>
    `no: the account of ${address(told)} is confirmed, but does not have it yet`,
  address_not_confirmed: (told) =>
    `no: who signed up with ${address(told)} has not confirmed the address yet`,
  single_sign_on: (told) =>
    `no: the only account with ${address(told)} is one of single sign-on, which gets nothing`,
  no_account: (told) => `no: nobody has signed up with ${address(told)} yet`,
  account_deleted: ({ since }) => `no: the account that had it was deleted on ${day(since)}`,
  expired: ({ since }) => `no: its time was over on ${day(since)}`,
  charged_back: ({ since }) =>
    `no: its payment was charged back, as we heard on ${day(since)}, and that is not won`,
  revoked: ({ since }) => `no: an operator took it away on ${day(since)}`,
  cancelled: ({ since }) => `no: it was cancelled on ${day(since)}`,
  refunded: ({ since }) => `no: it was paid back on ${day(since)}`,
  waiting_for_payment: ({ since }) =>
    `no: it was ordered on ${day(since)}, and is not paid for yet`,
  no_address: () => 'no: its order has no email address',
  erased: () => 'no: whose it was is forgotten, as they had asked',
  product_unknown: () => 'no: it is not in the catalogue',
}

type Step = 'resend' | 'transfer' | 'extend' | 'restore' | 'grant'

const NEXT: Partial<Record<Reason, { words: (told: CustomerAnswer) => string; steps: Step[] }>> = {
  other_account: {
    words: (told) =>
      `They sign in with ${owner(told)}. If that account is not theirs, transfer it.`,
    steps: ['transfer'],
  },
  not_linked: {
    words: () => 'They open the claim page while they are signed in: that gives it to them.',
    steps: [],
  },
  address_not_confirmed: {
    words: () => 'They sign in with a code from the email; asking again sends another.',
    steps: ['transfer'],
  },
  single_sign_on: {
    words: (told) =>
      `They sign up with ${address(told)} and a code, or it goes to another address.`,
    steps: ['transfer'],
  },
  no_account: {
    words: (told) =>
      `They sign up in the course app with ${address(told)}. The email says so, and can go again. ` +
      'If that is not their address, or is misspelt, transfer it.',
    steps: ['resend', 'transfer'],
  },
  account_deleted: {
    words: (told) => `They sign up again with ${address(told)}, or it goes to another address.`,
    steps: ['transfer'],
  },
  expired: { words: () => 'They buy it again, or you let it end later.', steps: ['extend'] },
  charged_back: {
    words: () =>
      'Look at the dispute in Shopify: if it is won, access comes back by itself. ' +
      'If they are to have it all the same, grant it.',
    steps: ['grant'],
  },
  revoked: { words: () => 'Who did it, and why, is below.', steps: ['restore'] },
  cancelled: { words: () => 'If they are to have it all the same, grant it.', steps: ['grant'] },
  refunded: { words: () => 'If they are to have it all the same, grant it.', steps: ['grant'] },
  waiting_for_payment: {
    words: () => 'Look at the payment in Shopify. Access comes by itself.',
    steps: [],
  },
  no_address: {
    words: () => 'Add the address to the order in Shopify: access comes by itself.',
    steps: ['transfer'],
  },
  erased: { words: () => 'If they prove that they paid for it, grant it.', steps: ['grant'] },
  product_unknown: {
    words: () => 'If it should be, a developer adds it, and lets Shopify send the order again.',
    steps: [],
  },
}

const address = (told: CustomerAnswer) => told.address || 'the address'
const owner = (told: CustomerAnswer) => told.owner_address || 'somebody else'

// A reason that the database has learned since is shown by its name.
export const why = (told: CustomerAnswer) => WHY[told.reason]?.(told) ?? `no: ${told.reason}`
export const nextSteps = (told: CustomerAnswer) => {
  const next = NEXT[told.reason]
  return { words: next?.words(told) ?? '', steps: next?.steps ?? [] }
}

export const DONE: Partial<Record<string, string>> = {
  grant: 'granted',
  revoke: 'revoked',
  restore: 'restored',
  transfer: 'transferred',
  extend: 'extended',
  resend: 'had an email sent again',
  forget: 'had a person forgotten',
  request_code: 'asked for a code',
  prove_address: 'proved the address',
  remove_address: 'removed the address',
  show: 'looked',
  export: 'exported what is held',
}

const KINDS: Partial<Record<string, string>> = {
  course_access: 'the course email',
  post_purchase: 'the workflow',
  post_purchase_update: 'the update of the workflow',
  post_purchase_cancel: 'the end of the workflow',
  claim_code: 'the code',
  forget_recipient: 'the deletion at Knock',
}

export const kindOf = (kind: string) => KINDS[kind] ?? kind.replaceAll('_', ' ')

export const nameOf = ({ product, order_number }: ChangedPurchase) =>
  order_number ? `${product} of order #${order_number}` : product

export const stateOf = ({ address: held, user_id, status, expires_at }: ChangedPurchase) =>
  `${held || 'no address'} (${user_id ? 'has an account' : 'no account yet'}), ${status}, ${until(expires_at)}`
