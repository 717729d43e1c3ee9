import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App'
import { SessionProvider } from './session'
import { makeClient } from './supabase'
import './styles/base.css'
import './styles/layout.css'
import './styles/parts.css'
import './styles/pages.css'

const place = document.getElementById('app')
if (!place) throw new Error('index.html has no #app')
const root = createRoot(place)

try {
  const supabase = makeClient()
  root.render(
    <StrictMode>
      <SessionProvider supabase={supabase}>
        <App />
      </SessionProvider>
    </StrictMode>
  )
} catch (error) {
  root.render(
    <main className="page">
      <h1>The app is not set up</h1>
      <p>{String(error instanceof Error ? error.message : error)}</p>
    </main>
  )
}
