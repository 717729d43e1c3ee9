// What the app is told where it is built; README.md has them all.
const given = import.meta.env

function needed(name: 'VITE_SUPABASE_URL' | 'VITE_SUPABASE_KEY'): string {
  const value = given[name]
  if (!value) throw new Error(`${name} is not set: see README.md`)
  return value
}

export function readSettings() {
  const key = needed('VITE_SUPABASE_KEY')
  if (key.startsWith('sb_secret_')) {
    throw new Error('VITE_SUPABASE_KEY is a secret key: the publishable one belongs here')
  }
  return { url: new URL(needed('VITE_SUPABASE_URL'), location.origin).href, key }
}

export const shopName = given.VITE_SHOP_NAME || 'Course shop'
export const supportEmail = given.VITE_SUPPORT_EMAIL || null
export const hasPasswords = given.VITE_PASSWORDS === 'on'
export const bucket = given.VITE_BUCKET || null

// Where a product is bought, or null.
export function buyUrl(slug: string): string | null {
  const template = given.VITE_BUY_URL
  return template ? template.replace('{slug}', encodeURIComponent(slug)) : null
}
