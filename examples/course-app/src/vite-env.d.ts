/// <reference types="vite/client" />

interface ImportMetaEnv {
  readonly VITE_SUPABASE_URL?: string
  readonly VITE_SUPABASE_KEY?: string
  readonly VITE_BUY_URL?: string
  readonly VITE_SHOP_NAME?: string
  readonly VITE_SUPPORT_EMAIL?: string
  readonly VITE_PASSWORDS?: string
  readonly VITE_BUCKET?: string
}

interface ImportMeta {
  readonly env: ImportMetaEnv
}
