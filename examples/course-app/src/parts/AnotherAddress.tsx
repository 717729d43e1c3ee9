import { useSession } from '../session'
import type { Redeemed } from '../thetis/addresses'
import { redeemClaimCode, requestClaimCode } from '../thetis/addresses'
import { Refusal } from '../words'
import { ByCode } from './ByCode'

type Props = { name: string; onDone: (words: string) => void }

// Proves an address that is not the one of the account: what was bought with it comes here.
export function AnotherAddress({ name, onDone }: Props) {
  const { supabase, user } = useSession()
  async function redeem(email: string, code: string) {
    const redeemed = await redeemClaimCode(supabase, code)
    if (!redeemed) throw new Refusal()
    onDone(inWords(email, redeemed))
  }
  return (
    <ByCode
      name={`${name}.${user?.id}`}
      label="The address you used at checkout"
      hint="We send a code there. You stay signed in as you are."
      sentWords="If something was bought with it, a code is on its way to"
      sendLabel="Send a code to this address"
      redeemLabel="Claim"
      send={async (email) => (await requestClaimCode(supabase, email)).nextCodeAt}
      redeem={redeem}
    />
  )
}

function inWords(email: string, { linked, ownedElsewhere }: Redeemed): string {
  const proven = `${email} is yours here now.`
  if (ownedElsewhere) {
    return `${proven} Another account has what was bought with it: sign in there with ${email}.`
  }
  if (!linked) return `${proven} Nothing new came with it.`
  return `${proven} ${linked === 1 ? 'One purchase' : `${linked} purchases`} came with it.`
}
