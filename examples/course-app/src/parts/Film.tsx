import { useSession } from '../session'
import { told } from '../words'
import { useQuestion } from '../useQuestion'
import { Failure } from './Page'

type Props = { bucket: string; path: string; title: string }

const SECONDS = 3600

// A film out of the private bucket. Storage asks the database itself: supabase/storage-policy.sql.
export function Film({ bucket, path, title }: Props) {
  const { supabase } = useSession()
  const asked = useQuestion(async () => {
    const { data, error } = await supabase.storage.from(bucket).createSignedUrl(path, SECONDS)
    if (error && told(error).status === 400) return null // Storage's "not found", or not allowed
    if (error) throw error
    return data.signedUrl
  }, `${bucket}/${path}`)
  return (
    <div className="film">
      {asked.state === 'error' && <Failure error={asked.error} retry={asked.retry} />}
      {asked.state === 'ready' && !asked.answer && <p>This film is not there yet.</p>}
      {asked.state === 'ready' && asked.answer && (
        <video controls preload="metadata" src={asked.answer} aria-label={title} />
      )}
    </div>
  )
}
