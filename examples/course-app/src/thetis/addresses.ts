// Claiming with another address: a code is sent there, and who types it has proven the address.
import type { Client } from './purchases'
import { answer } from './purchases'

export type SentCode = { address: string; validUntil: Date; nextCodeAt: Date }
export type Redeemed = { linked: number; ownedElsewhere: number }
export type ProvenAddress = { address: string; purchases: number }

// The answer is the same whether anything was bought with the address or not. It is an error with
// the code TH008 if it was asked too often, and `details` says for how many seconds.
export async function requestClaimCode(supabase: Client, email: string): Promise<SentCode> {
  const sent = one(answer(await supabase.rpc('request_claim_code', { email })))
  return {
    address: sent.address,
    validUntil: new Date(sent.valid_until),
    nextCodeAt: new Date(sent.next_code_at),
  }
}

// Null if the code is not good: wrong, over, used up, or somebody else's. The first call writes the
// guess down, so that it is counted whatever becomes of the second, which answers it.
export async function redeemClaimCode(supabase: Client, code: string): Promise<Redeemed | null> {
  let redeemed = one(answer(await supabase.rpc('redeem_claim_code', { code })))
  if (redeemed.outcome === 'noted') {
    redeemed = one(answer(await supabase.rpc('redeem_claim_code', { code })))
  }
  if (redeemed.outcome !== 'proven') return null
  return { linked: redeemed.linked, ownedElsewhere: redeemed.owned_elsewhere }
}

export async function listProvenAddresses(supabase: Client): Promise<ProvenAddress[]> {
  return answer(await supabase.rpc('list_proven_addresses'))
}

// How many purchases left the account with the address.
export async function removeProvenAddress(supabase: Client, address: string): Promise<number> {
  return answer(await supabase.rpc('remove_proven_address', { address }))
}

function one<T>(rows: T[]): T {
  const [row] = rows
  if (!row) throw new Error('the database answered with no row')
  return row
}
