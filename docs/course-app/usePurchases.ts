import { useCallback, useEffect, useState } from 'react'
import { loadPurchases, slugOf } from './purchases'
import type { Client, CourseType, Purchase } from './purchases'

type Found = { purchases: Purchase[]; accessible: string[] }
type Loaded = Found & { userId: string | null; error: unknown }

const NOTHING: Found = { purchases: [], accessible: [] }

// `userId` is the signed-in user's, or null. After an error what was loaded before stays.
export function usePurchases(supabase: Client, userId: string | null) {
  const [loaded, setLoaded] = useState<Loaded>({ ...NOTHING, userId: null, error: null })
  const [round, setRound] = useState(0)

  useEffect(() => {
    if (!userId) return
    let isCurrent = true // an answer for somebody who has signed out since is dropped
    loadPurchases(supabase).then(
      (found) => isCurrent && setLoaded({ ...found, userId, error: null }),
      (error: unknown) =>
        isCurrent &&
        setLoaded((before) => ({ ...(before.userId === userId ? before : NOTHING), userId, error }))
    )
    return () => {
      isCurrent = false
    }
  }, [supabase, userId, round])

  const isLoaded = loaded.userId === userId
  const { purchases, accessible } = isLoaded ? loaded : NOTHING
  return {
    purchases,
    hasAccess: (courseType: CourseType) => accessible.includes(slugOf(courseType)),
    isLoading: Boolean(userId) && !isLoaded,
    error: isLoaded ? loaded.error : null,
    refresh: useCallback(() => setRound((before) => before + 1), []),
  }
}
