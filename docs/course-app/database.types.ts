
export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {
  
  "public": {
          Tables: {
            "products": {
                  Row: {
                    "access_period": string | null,"category": string,"created_at": string,"name": string,"slug": string
                  }
                  ComputedFields: never
                  Insert: {
                    "access_period"?: string | null,"category": string,"created_at"?: string,"name": string,"slug": string
                  }
                  Update: {
                    "access_period"?: string | null,"category"?: string,"created_at"?: string,"name"?: string,"slug"?: string
                  }
                  Relationships: [
                    
                  ]
                },"purchases": {
                  Row: {
                    "created_at": string,"expires_at": string | null,"id": string,"product_slug": string,"purchased_at": string | null,"shopify_customer_email": string,"shopify_line_item_id": string | null,"shopify_order_id": string | null,"shopify_order_number": string | null,"status": string,"updated_at": string,"user_id": string | null
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"expires_at"?: string | null,"id"?: string,"product_slug": string,"purchased_at"?: string | null,"shopify_customer_email": string,"shopify_line_item_id"?: string | null,"shopify_order_id"?: string | null,"shopify_order_number"?: string | null,"status"?: string,"updated_at"?: string,"user_id"?: string | null
                  }
                  Update: {
                    "created_at"?: string,"expires_at"?: string | null,"id"?: string,"product_slug"?: string,"purchased_at"?: string | null,"shopify_customer_email"?: string,"shopify_line_item_id"?: string | null,"shopify_order_id"?: string | null,"shopify_order_number"?: string | null,"status"?: string,"updated_at"?: string,"user_id"?: string | null
                  }
                  Relationships: [
                    
                  ]
                }
          }
          Views: {
            [_ in never]: never
          }
          Functions: {
            "add_product":
{ Args: { "access_period"?: string,"category": string,"name": string,"shopify_product_id"?: string,"slug": string }; Returns: undefined
                           },
"check_installation":
{ Args: { "functions": Json }; Returns: Json
                           },
"check_schema":
{ Args: { "calls": Json }; Returns: {
              "missing": (string)[],"version": number
            }[]
                           },
"claim_notifications":
{ Args: { "lease_seconds"?: number,"max_count"?: number,"provider": string }; Returns: {
              "attempt": number,"id": string,"kind": string,"payload": Json,"shopify_order_id": string
            }[]
                           },
"claim_purchases":
{ Args: Record<PropertyKey, never>; Returns: number
                           },
"count_address_conflicts":
{ Args: Record<PropertyKey, never>; Returns: number
                           },
"customer_timeline":
{ Args: { "operator"?: string,"query": string }; Returns: Json
                           },
"expire_purchases":
{ Args: { "max_count"?: number }; Returns: number
                           },
"export_customer":
{ Args: { "address": string,"operator"?: string }; Returns: Json
                           },
"extend_purchase":
{ Args: { "dry_run"?: boolean,"expected_address"?: string,"operator"?: string,"purchase_id": string,"reason": string,"until": string }; Returns: Json
                           },
"forget_customer":
{ Args: { "address": string,"dry_run"?: boolean,"operator"?: string,"reason": string }; Returns: Json
                           },
"get_notification":
{ Args: { "notification_id": string }; Returns: Json
                           },
"get_rejected_webhook":
{ Args: { "id": number }; Returns: {
              "body_base64": string,"reason": string,"received_at": string,"replayed_at": string,"topic": string,"webhook_id": string
            }[]
                           },
"grant_access":
{ Args: { "dry_run"?: boolean,"grant_id"?: string,"operator"?: string,"reason": string,"recipient": string,"slug": string,"until"?: string }; Returns: Json
                           },
"has_access":
{ Args: { "slug": string }; Returns: boolean
                           },
"list_notifications":
{ Args: { "before_id"?: string,"max_count"?: number,"order_name"?: string,"state"?: string }; Returns: {
              "attempts": number,"delivery": string,"delivery_reason": string,"due_at": string,"email": string,"enqueued_at": string,"id": string,"kind": string,"last_error": string,"order_number": string,"settled_at": string,"shopify_order_id": string,"status": string
            }[]
                           },
"list_privacy_requests":
{ Args: { "include_answered"?: boolean }; Returns: {
              "answered_at": string,"email": string,"id": number,"received_at": string,"shop": string,"shopify_order_ids": (string)[],"topic": string
            }[]
                           },
"list_products":
{ Args: Record<PropertyKey, never>; Returns: {
              "access_period": string,"category": string,"name": string,"shopify_product_ids": (string)[],"slug": string
            }[]
                           },
"list_rejected_webhooks":
{ Args: { "after_id"?: number,"include_replayed"?: boolean,"max_count"?: number }; Returns: {
              "id": number,"reason": string,"received_at": string,"replayed_at": string,"topic": string,"webhook_id": string
            }[]
                           },
"list_unmapped_products":
{ Args: { "max_count"?: number }; Returns: {
              "first_sold_at": string,"last_sold_at": string,"order_count": number,"shopify_product_id": string
            }[]
                           },
"mark_privacy_request_answered":
{ Args: { "id": number }; Returns: undefined
                           },
"mark_webhook_replayed":
{ Args: { "id": number }; Returns: undefined
                           },
"note_webhook":
{ Args: { "topic": string,"webhook_id"?: string }; Returns: undefined
                           },
"notification_backlog":
{ Args: Record<PropertyKey, never>; Returns: {
              "dead": number,"oldest_due_seconds": number,"pending": number,"provider": string
            }[]
                           },
"prune":
{ Args: { "max_count"?: number,"older_than"?: string }; Returns: Json
                           },
"record_deliveries":
{ Args: { "events": Json }; Returns: {
              "notification_id": string,"ordinal": number,"outcome": string
            }[]
                           },
"record_orders":
{ Args: { "orders": Json,"received_at"?: string,"test_orders"?: string }; Returns: {
              "ordinal": number,"outcome": string,"reason": string,"shopify_order_id": string
            }[]
                           },
"record_privacy_request":
{ Args: { "request": Json }; Returns: string
                           },
"record_refunds":
{ Args: { "received_at"?: string,"refunds": Json }; Returns: {
              "ordinal": number,"outcome": string,"reason": string,"shopify_order_id": string
            }[]
                           },
"remove_product":
{ Args: { "slug": string }; Returns: boolean
                           },
"remove_shopify_product":
{ Args: { "shopify_product_id": string }; Returns: string
                           },
"require_second_factor":
{ Args: { "is_required": boolean,"operator": string,"reason": string }; Returns: undefined
                           },
"resend_notification":
{ Args: { "dry_run"?: boolean,"kind": string,"operator"?: string,"order_name": string,"reason": string }; Returns: {
              "email": string,"id": string,"outcome": string,"refusal": string,"shopify_order_id": string
            }[]
                           },
"restore_purchase":
{ Args: { "dry_run"?: boolean,"expected_address"?: string,"operator"?: string,"purchase_id": string,"reason": string }; Returns: Json
                           },
"retry_notifications":
{ Args: { "dry_run"?: boolean,"ids": Json }; Returns: {
              "id": string,"outcome": string,"reason": string
            }[]
                           },
"revoke_purchase":
{ Args: { "dry_run"?: boolean,"expected_address"?: string,"operator"?: string,"purchase_id": string,"reason": string }; Returns: Json
                           },
"settle_notifications":
{ Args: { "results": Json }; Returns: {
              "id": string,"status": string
            }[]
                           },
"store_rejected_webhook":
{ Args: { "body_base64": string,"reason": string,"topic": string,"webhook_id": string }; Returns: number
                           },
"transfer_order":
{ Args: { "address": string,"dry_run"?: boolean,"expected_address"?: string,"operator"?: string,"order_name": string,"reason": string }; Returns: Json
                           },
"transfer_purchase":
{ Args: { "address": string,"dry_run"?: boolean,"expected_address"?: string,"operator"?: string,"purchase_id": string,"reason": string }; Returns: Json
                           },
"undelivered_emails":
{ Args: { "days"?: number }; Returns: {
              "state": string,"total": number
            }[]
                           }
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
