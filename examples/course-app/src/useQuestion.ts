// Something that is asked when a part of a page appears, with its four states.
import { useCallback, useEffect, useRef, useState } from 'react'

export type Asked<T> =
  | { state: 'loading'; answer?: undefined; error?: undefined }
  | { state: 'error'; answer?: undefined; error: unknown }
  | { state: 'ready'; answer: T; error?: unknown } // with `error`, it is the answer of before

// `about` is what the question depends on: when it changes, the old answer is gone.
export function useQuestion<T>(ask: () => Promise<T>, about: string) {
  const [asked, setAsked] = useState<{ about: string; now: Asked<T> }>()
  const [round, setRound] = useState(0)
  const latest = useRef(ask)
  useEffect(() => {
    latest.current = ask
  })

  useEffect(() => {
    let isCurrent = true
    latest.current().then(
      (answer) => isCurrent && setAsked({ about, now: { state: 'ready', answer } }),
      (error: unknown) =>
        isCurrent &&
        setAsked((before) => {
          const known = before?.about === about ? before.now : undefined
          return {
            about,
            now: known?.state === 'ready' ? { ...known, error } : { state: 'error', error },
          }
        })
    )
    return () => {
      isCurrent = false
    }
  }, [about, round])

  const again = useCallback(() => setRound((before) => before + 1), [])
  const retry = useCallback(() => {
    setAsked(undefined)
    again()
  }, [again])
  const now: Asked<T> = asked?.about === about ? asked.now : { state: 'loading' }
  return { ...now, again, retry }
}

// Calls when the page comes to the front, the connection is back, and now and then while it is seen.
export function useReminder(call: () => void, seconds: number) {
  useEffect(() => {
    const ifSeen = () => document.visibilityState === 'visible' && call()
    const timer = setInterval(ifSeen, seconds * 1000)
    document.addEventListener('visibilitychange', ifSeen)
    addEventListener('focus', ifSeen)
    addEventListener('online', ifSeen)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', ifSeen)
      removeEventListener('focus', ifSeen)
      removeEventListener('online', ifSeen)
    }
  }, [call, seconds])
}
