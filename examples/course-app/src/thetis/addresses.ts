// Claiming with another address: a code is sent there, and who types it has proven the address.
import type { SupabaseClient } from '@supabase/supabase-js'
import type { Client } from './purchases'

export async function requestClaimCode(supabase: Client, email: string): Promise<void> {
  const { error } = await untyped(supabase).rpc('request_claim_code', { email })
  if (error) throw error
}

export async function redeemClaimCode(supabase: Client, code: string): Promise<void> {
  const { error } = await untyped(supabase).rpc('redeem_claim_code', { code })
  if (error) throw error
}

export async function listProvenAddresses(supabase: Client): Promise<string[]> {
  const { data, error } = await untyped(supabase).rpc('list_proven_addresses')
  if (error) throw error
  return (data as { address: string }[]).map(({ address }) => address)
}

export async function removeProvenAddress(supabase: Client, address: string): Promise<void> {
  const { error } = await untyped(supabase).rpc('remove_proven_address', { address })
  if (error) throw error
}

const untyped = (supabase: Client) => supabase as unknown as SupabaseClient
