'use client'

import { useCallback, useEffect, useState } from 'react'
import { loadPurchases, slugOf } from './purchases'
import type { Client, CourseType, Purchase } from './purchases'

type Found = { purchases: Purchase[]; accessible: string[] }
type Loaded = Found & { userId: string | null; isKnown: boolean; error: unknown }

const NOTHING: Found = { purchases: [], accessible: [] }
const UNKNOWN: Loaded = { ...NOTHING, userId: null, isKnown: false, error: null }

// `userId` is the signed-in user's, or null. After an error what was loaded before stays.
export function usePurchases(supabase: Client, userId: string | null) {
  const [loaded, setLoaded] = useState<Loaded>(UNKNOWN)
  const [round, setRound] = useState(0)

  useEffect(() => {
    if (!userId) return
    let isCurrent = true // an answer for somebody who has signed out since is dropped
    loadPurchases(supabase).then(
      (found) => isCurrent && setLoaded({ ...found, userId, isKnown: true, error: null }),
      (error: unknown) =>
        isCurrent &&
        setLoaded((before) => ({ ...(before.userId === userId ? before : UNKNOWN), userId, error }))
    )
    return () => {
      isCurrent = false
    }
  }, [supabase, userId, round])

  const isLoaded = loaded.userId === userId
  const { purchases, accessible } = isLoaded ? loaded : NOTHING
  return {
    purchases,
    accessible,
    hasAccess: (courseType: CourseType) => accessible.includes(slugOf(courseType)),
    isLoading: Boolean(userId) && !isLoaded,
    isKnown: isLoaded && loaded.isKnown, // false if no loading has succeeded yet
    error: isLoaded ? loaded.error : null,
    refresh: useCallback(() => setRound((before) => before + 1), []),
  }
}
