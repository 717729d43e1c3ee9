import { useCallback, useEffect, useState } from 'react'
import { loadPurchases, slugOf } from './purchases.js'

const NOTHING = { purchases: [], accessible: [] }

// `userId` is the signed-in user's, or null. After an error what was known before stays known.
export function usePurchases(supabase, userId) {
  const [loaded, setLoaded] = useState({ ...NOTHING, userId: null, error: null })
  const [round, setRound] = useState(0)

  useEffect(() => {
    if (!userId) return
    let isCurrent = true // an answer for somebody who has signed out since is dropped
    loadPurchases(supabase).then(
      (found) => isCurrent && setLoaded({ ...found, userId, error: null }),
      (error) =>
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
    hasAccess: (courseType) => accessible.includes(slugOf(courseType)),
    isLoading: Boolean(userId) && !isLoaded,
    error: isLoaded ? loaded.error : null,
    refresh: useCallback(() => setRound((before) => before + 1), []),
  }
}
