import { Failure, Notice, Page, SignInFirst, Skeleton } from '../parts/Page'
import { Link } from '../router'
import { useSession } from '../session'
import { Desk } from '../support/Desk'
import { SecondFactor } from '../support/SecondFactor'
import { useQuestion } from '../useQuestion'

const TITLE = 'Support desk'

export function SupportPage() {
  const { user, role } = useSession()
  if (!user) return <SignInFirst title={TITLE} />
  if (!role) {
    return (
      <Page title={TITLE}>
        <Notice kind="bad">
          This page is for support staff. {user.email} is not one of them, or has been one for less
          than the time of this session: then sign out and in.
        </Notice>
        <p>
          <Link href="/">All courses</Link>
        </p>
      </Page>
    )
  }
  return <Staff userId={user.id} mayAct={role === 'support'} />
}

function Staff({ userId, mayAct }: { userId: string; mayAct: boolean }) {
  const { supabase } = useSession()
  const level = useQuestion(async () => {
    const { data, error } = await supabase.auth.mfa.getAuthenticatorAssuranceLevel()
    if (error) throw error
    return data
  }, userId)
  if (level.state === 'loading') return <Skeleton />
  if (level.state === 'error') {
    return (
      <Page title={TITLE}>
        <Failure error={level.error} retry={level.retry} />
      </Page>
    )
  }
  const { currentLevel, nextLevel } = level.answer
  if (currentLevel !== 'aal2' && nextLevel === 'aal2') {
    return (
      <Page title={TITLE} lead="Staff sign in with a second factor.">
        <SecondFactor onDone={level.retry} />
      </Page>
    )
  }
  return (
    <Page title={TITLE} isWide>
      <Desk mayAct={mayAct} onFactor={level.retry} />
    </Page>
  )
}
