// Who is signed in, for every page.
import { createContext, useContext, useEffect, useMemo, useState } from 'react'
import type { ReactNode } from 'react'
import type { Session } from '@supabase/supabase-js'
import type { StaffRole } from './staff'
import { staffRole } from './staff'
import type { Client } from './thetis/purchases'

type SignedIn = {
  supabase: Client
  isReady: boolean
  user: Session['user'] | null
  role: StaffRole | null
  isOver: boolean // the session ended without the user having ended it
  signOut: (scope: 'local' | 'global') => Promise<void>
}

const Context = createContext<SignedIn | null>(null)

export function SessionProvider({ supabase, children }: { supabase: Client; children: ReactNode }) {
  const [session, setSession] = useState<Session | null>(null)
  const [isReady, setReady] = useState(false)
  const [isOver, setOver] = useState(false)

  useEffect(() => {
    let hadSession = false
    const { data } = supabase.auth.onAuthStateChange((event, now) => {
      setOver(event === 'SIGNED_OUT' && hadSession && !isLeaving)
      hadSession = Boolean(now)
      isLeaving = false
      setSession(now)
      setReady(true)
    })
    return () => data.subscription.unsubscribe()
  }, [supabase])

  const user = session?.user ?? null
  const role = staffRole(session?.access_token)
  const value = useMemo<SignedIn>(
    () => ({ supabase, isReady, user, role, isOver, signOut: (scope) => leave(supabase, scope) }),
    [supabase, isReady, user, role, isOver]
  )
  return <Context value={value}>{children}</Context>
}

export function useSession(): SignedIn {
  const value = useContext(Context)
  if (!value) throw new Error('there is no SessionProvider above')
  return value
}

let isLeaving = false

async function leave(supabase: Client, scope: 'local' | 'global') {
  isLeaving = true
  const { error } = await supabase.auth.signOut({ scope })
  if (error) {
    isLeaving = false
    throw error
  }
}
