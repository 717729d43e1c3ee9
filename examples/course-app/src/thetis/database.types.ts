
export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {
  
  "public": {
          Tables: {
            "products": {
                  Row: {
                    "access_period": string | null,"category": string,"created_at": string,"name": string,"slug": string
                  }
                  ComputedFields: never
                  Insert: Record<string, never>
                  Update: Record<string, never>
                  Relationships: [
                    
                  ]
                },"purchases": {
                  Row: {
                    "created_at": string,"expires_at": string | null,"id": string,"product_slug": string,"purchased_at": string | null,"shopify_customer_email": string,"shopify_line_item_id": string | null,"shopify_order_id": string | null,"shopify_order_number": string | null,"status": string,"updated_at": string,"user_id": string | null
                  }
                  ComputedFields: never
                  Insert: Record<string, never>
                  Update: Record<string, never>
                  Relationships: [
                    
                  ]
                }
          }
          Views: {
            [_ in never]: never
          }
          Functions: {
            "claim_purchases":
{ Args: Record<PropertyKey, never>; Returns: number
                           },
"customer_timeline":
{ Args: { "query": string }; Returns: Json
                           },
"export_customer":
{ Args: { "address": string,"operator"?: string }; Returns: Json
                           },
"extend_purchase":
{ Args: { "dry_run"?: boolean,"expected_address"?: string,"purchase_id": string,"reason": string,"until": string }; Returns: Json
                           },
"forget_customer":
{ Args: { "address": string,"dry_run"?: boolean,"reason": string }; Returns: Json
                           },
"grant_access":
{ Args: { "dry_run"?: boolean,"grant_id"?: string,"reason": string,"recipient": string,"slug": string,"until"?: string }; Returns: Json
                           },
"has_access":
{ Args: { "slug": string }; Returns: boolean
                           },
"list_proven_addresses":
{ Args: Record<PropertyKey, never>; Returns: {
              "address": string,"proven_at": string,"purchases": number
            }[]
                           },
"redeem_claim_code":
{ Args: { "code": string }; Returns: {
              "address": string,"linked": number,"outcome": string,"owned_elsewhere": number
            }[]
                           },
"remove_proven_address":
{ Args: { "address": string }; Returns: number
                           },
"request_claim_code":
{ Args: { "email": string }; Returns: {
              "address": string,"next_code_at": string,"valid_until": string
            }[]
                           },
"resend_notification":
{ Args: { "dry_run"?: boolean,"kind": string,"order_name": string,"reason": string }; Returns: {
              "email": string,"id": string,"outcome": string,"refusal": string,"shopify_order_id": string
            }[]
                           },
"restore_purchase":
{ Args: { "dry_run"?: boolean,"expected_address"?: string,"purchase_id": string,"reason": string }; Returns: Json
                           },
"revoke_purchase":
{ Args: { "dry_run"?: boolean,"expected_address"?: string,"purchase_id": string,"reason": string }; Returns: Json
                           },
"transfer_order":
{ Args: { "address": string,"dry_run"?: boolean,"expected_address"?: string,"order_name": string,"reason": string }; Returns: Json
                           },
"transfer_purchase":
{ Args: { "address": string,"dry_run"?: boolean,"expected_address"?: string,"purchase_id": string,"reason": string }; Returns: Json
                           },
          }
          Enums: {
            [_ in never]: never
          }
          CompositeTypes: {
            [_ in never]: never
          }
        }
}

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">]

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])[TableName] extends {
      Row: infer R
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
  ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R
    }
    ? R
    : never
  : never

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Insert: infer I
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I
    }
    ? I
    : never
  : never

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Update: infer U
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U
    }
    ? U
    : never
  : never

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
  ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
  ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never

export const Constants = {
  "public": {
          Enums: {
            
          }
        }
} as const
