import { useSession } from '../session'
import { redeemClaimCode, requestClaimCode } from '../thetis/addresses'
import { ByCode } from './ByCode'

// Proves an address that is not the one of the account: what was bought with it comes here.
export function AnotherAddress({ name, onDone }: { name: string; onDone: () => void }) {
  const { supabase, user } = useSession()
  async function redeem(_email: string, code: string) {
    await redeemClaimCode(supabase, code)
    onDone()
  }
  return (
    <ByCode
      name={`${name}.${user?.id}`}
      label="The address you used at checkout"
      hint="We send a code there. You stay signed in as you are."
      sendLabel="Send a code to this address"
      redeemLabel="Claim"
      send={(email) => requestClaimCode(supabase, email)}
      redeem={redeem}
    />
  )
}
