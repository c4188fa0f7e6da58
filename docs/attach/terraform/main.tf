# Attaches the authorizer to one API of each kind, with Terraform. Take the parts that you need.
terraform {
  required_version = ">= 1.5.7"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

variable "authorizer_function_arn" {
  description = "The authorizer with RESPONSE_FORMAT=iam and TOKEN_SOURCE=header:Authorization, which are the defaults"
  type        = string
}

variable "simple_authorizer_function_arn" {
  description = "The authorizer deployed with RESPONSE_FORMAT=simple. No event tells the function what its API expects"
  type        = string
}

variable "websocket_authorizer_function_arn" {
  description = "The authorizer deployed with TOKEN_SOURCE=query:token"
  type        = string
}

variable "backend_url" {
  description = "Where the HTTP API's requests go"
  type        = string
  default     = "https://backend.example.com"
}

variable "allowed_origin" {
  description = "The origin of the web application that calls the APIs from a browser"
  type        = string
  default     = "https://app.example.com"
}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  functions = "arn:${data.aws_partition.current.partition}:apigateway:${data.aws_region.current.region}:lambda:path/2015-03-31/functions"
}

# ---- REST ------------------------------------------------------------------------------------------------------------

resource "aws_api_gateway_rest_api" "rest" {
  name = "attach-rest"
  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

# TOKEN: the event holds one header's value and no more. The usual choice for a REST API.
resource "aws_api_gateway_authorizer" "rest_token" {
  name            = "RestToken"
  rest_api_id     = aws_api_gateway_rest_api.rest.id
  type            = "TOKEN"
  authorizer_uri  = "${local.functions}/${var.authorizer_function_arn}/invocations"
  identity_source = "method.request.header.Authorization"
  # What cannot be a token gets 401 without asking the function, and so has no line in its log.
  identity_validation_expression = "^\\s*([Bb][Ee][Aa][Rr][Ee][Rr]\\s+)?[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\s*$"
  # Seconds for which an answer is kept. An Allow outlives its token by up to as long.
  authorizer_result_ttl_in_seconds = 300
}

resource "aws_lambda_permission" "rest_token" {
  action        = "lambda:InvokeFunction"
  function_name = var.authorizer_function_arn
  principal     = "apigateway.amazonaws.com"
  # This authorizer of this API alone, not every API of every account.
  source_arn = "${aws_api_gateway_rest_api.rest.execution_arn}/authorizers/${aws_api_gateway_authorizer.rest_token.id}"
}

# REQUEST: where the token stands in another place than one header.
resource "aws_api_gateway_authorizer" "rest_request" {
  name           = "RestRequest"
  rest_api_id    = aws_api_gateway_rest_api.rest.id
  type           = "REQUEST"
  authorizer_uri = "${local.functions}/${var.authorizer_function_arn}/invocations"
  # The key under which answers are kept: every place that TOKEN_SOURCE names must be here, separated by commas.
  identity_source                  = "method.request.header.Authorization"
  authorizer_result_ttl_in_seconds = 300
}

resource "aws_lambda_permission" "rest_request" {
  action        = "lambda:InvokeFunction"
  function_name = var.authorizer_function_arn
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.rest.execution_arn}/authorizers/${aws_api_gateway_authorizer.rest_request.id}"
}

resource "aws_api_gateway_resource" "orders" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  parent_id   = aws_api_gateway_rest_api.rest.root_resource_id
  path_part   = "orders"
}

resource "aws_api_gateway_method" "orders_get" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  resource_id   = aws_api_gateway_resource.orders.id
  http_method   = "GET"
  authorization = "CUSTOM"
  authorizer_id = aws_api_gateway_authorizer.rest_token.id
}

resource "aws_api_gateway_method" "orders_post" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  resource_id   = aws_api_gateway_resource.orders.id
  http_method   = "POST"
  authorization = "CUSTOM"
  authorizer_id = aws_api_gateway_authorizer.rest_request.id
}

# Preflight: browsers send no token with it, so it must have no authorizer.
resource "aws_api_gateway_method" "orders_options" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  resource_id   = aws_api_gateway_resource.orders.id
  http_method   = "OPTIONS"
  authorization = "NONE"
}

locals {
  origin = "'${var.allowed_origin}'"
  orders = {
    GET  = { method = aws_api_gateway_method.orders_get, headers = { Access-Control-Allow-Origin = local.origin } }
    POST = { method = aws_api_gateway_method.orders_post, headers = { Access-Control-Allow-Origin = local.origin } }
    OPTIONS = { method = aws_api_gateway_method.orders_options, headers = {
      Access-Control-Allow-Origin  = local.origin
      Access-Control-Allow-Methods = "'GET,POST,OPTIONS'"
      # `*` would not cover Authorization: browsers want it by name.
      Access-Control-Allow-Headers = "'Authorization,Content-Type'"
    } }
  }
}

resource "aws_api_gateway_integration" "orders" {
  for_each          = local.orders
  rest_api_id       = aws_api_gateway_rest_api.rest.id
  resource_id       = each.value.method.resource_id
  http_method       = each.value.method.http_method
  type              = "MOCK"
  request_templates = { "application/json" = jsonencode({ statusCode = 200 }) }
}

resource "aws_api_gateway_method_response" "orders" {
  for_each            = local.orders
  rest_api_id         = aws_api_gateway_rest_api.rest.id
  resource_id         = each.value.method.resource_id
  http_method         = each.value.method.http_method
  status_code         = "200"
  response_parameters = { for name, _ in each.value.headers : "method.response.header.${name}" => true }
}

resource "aws_api_gateway_integration_response" "orders" {
  for_each            = local.orders
  rest_api_id         = aws_api_gateway_rest_api.rest.id
  resource_id         = each.value.method.resource_id
  http_method         = aws_api_gateway_integration.orders[each.key].http_method
  status_code         = aws_api_gateway_method_response.orders[each.key].status_code
  response_parameters = { for name, value in each.value.headers : "method.response.header.${name}" => value }
}

# What API Gateway answers without asking the integration has no CORS headers of its own: without these a browser shows
# a network error where the caller should see 401 or 403.
resource "aws_api_gateway_gateway_response" "unauthorized" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  response_type = "UNAUTHORIZED"
  status_code   = "401"
  response_parameters = {
    "gatewayresponse.header.Access-Control-Allow-Origin" = local.origin
    "gatewayresponse.header.WWW-Authenticate"            = "'Bearer'"
  }
}

resource "aws_api_gateway_gateway_response" "access_denied" {
  rest_api_id         = aws_api_gateway_rest_api.rest.id
  response_type       = "ACCESS_DENIED"
  status_code         = "403"
  response_parameters = { "gatewayresponse.header.Access-Control-Allow-Origin" = local.origin }
  response_templates  = { "application/json" = "{\"message\":\"Forbidden\",\"reason\":\"$context.authorizer.reason\"}" }
}

resource "aws_api_gateway_gateway_response" "default_4xx" {
  rest_api_id         = aws_api_gateway_rest_api.rest.id
  response_type       = "DEFAULT_4XX"
  response_parameters = { "gatewayresponse.header.Access-Control-Allow-Origin" = local.origin }
}

resource "aws_api_gateway_gateway_response" "default_5xx" {
  rest_api_id         = aws_api_gateway_rest_api.rest.id
  response_type       = "DEFAULT_5XX"
  response_parameters = { "gatewayresponse.header.Access-Control-Allow-Origin" = local.origin }
}

# A deployment is a copy of the API at the time when it was made: an authorizer attached later protects nothing until
# there is a new one. A change of this file makes one.
resource "aws_api_gateway_deployment" "rest" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  triggers    = { redeployment = filesha256("${path.module}/main.tf") }
  lifecycle {
    create_before_destroy = true
  }
  depends_on = [
    aws_api_gateway_integration_response.orders,
    aws_api_gateway_gateway_response.unauthorized,
    aws_api_gateway_gateway_response.access_denied,
    aws_api_gateway_gateway_response.default_4xx,
    aws_api_gateway_gateway_response.default_5xx,
  ]
}

resource "aws_api_gateway_stage" "rest" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  deployment_id = aws_api_gateway_deployment.rest.id
  stage_name    = "v1"
}

# ---- HTTP ------------------------------------------------------------------------------------------------------------

resource "aws_apigatewayv2_api" "http" {
  name          = "attach-http"
  protocol_type = "HTTP"
  cors_configuration {
    allow_origins = [var.allowed_origin]
    allow_methods = ["GET", "POST"]
    allow_headers = ["authorization", "content-type"]
  }
}

# Answers as IAM documents: one answer holds for every route.
resource "aws_apigatewayv2_authorizer" "http_iam" {
  name                              = "HttpIam"
  api_id                            = aws_apigatewayv2_api.http.id
  authorizer_type                   = "REQUEST"
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = false
  authorizer_uri                    = "${local.functions}/${var.authorizer_function_arn}/invocations"
  identity_sources                  = ["$request.header.Authorization"]
  authorizer_result_ttl_in_seconds  = 300
}

resource "aws_lambda_permission" "http_iam" {
  action        = "lambda:InvokeFunction"
  function_name = var.authorizer_function_arn
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.http.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.http_iam.id}"
}

# Simple responses.
resource "aws_apigatewayv2_authorizer" "http_simple" {
  name                              = "HttpSimple"
  api_id                            = aws_apigatewayv2_api.http.id
  authorizer_type                   = "REQUEST"
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
  authorizer_uri                    = "${local.functions}/${var.simple_authorizer_function_arn}/invocations"
  # With POLICIES a simple response is about one route, so the route is part of the key. Without POLICIES the header
  # alone will do. With POLICIES and routes such as `ANY /orders` or `$default`, set the TTL to 0: there the verb and
  # the path decide, and neither is in the route's key.
  identity_sources                 = ["$request.header.Authorization", "$context.routeKey"]
  authorizer_result_ttl_in_seconds = 300
}

resource "aws_lambda_permission" "http_simple" {
  action        = "lambda:InvokeFunction"
  function_name = var.simple_authorizer_function_arn
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.http.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.http_simple.id}"
}

# Payload 1.0, for APIs whose integrations read the context in REST's form. Prefer 2.0.
resource "aws_apigatewayv2_authorizer" "http_payload_1" {
  name                              = "HttpPayload1"
  api_id                            = aws_apigatewayv2_api.http.id
  authorizer_type                   = "REQUEST"
  authorizer_payload_format_version = "1.0"
  authorizer_uri                    = "${local.functions}/${var.authorizer_function_arn}/invocations"
  identity_sources                  = ["$request.header.Authorization"]
  authorizer_result_ttl_in_seconds  = 300
}

resource "aws_lambda_permission" "http_payload_1" {
  action        = "lambda:InvokeFunction"
  function_name = var.authorizer_function_arn
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.http.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.http_payload_1.id}"
}

resource "aws_apigatewayv2_integration" "http" {
  api_id             = aws_apigatewayv2_api.http.id
  integration_type   = "HTTP_PROXY"
  integration_method = "ANY"
  integration_uri    = var.backend_url
}

resource "aws_apigatewayv2_route" "default" {
  api_id             = aws_apigatewayv2_api.http.id
  route_key          = "$default"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.http_iam.id
  target             = "integrations/${aws_apigatewayv2_integration.http.id}"
}

# `$default` takes OPTIONS too, and then asks for a token: a preflight needs a route of its own that does not.
resource "aws_apigatewayv2_route" "preflight" {
  api_id             = aws_apigatewayv2_api.http.id
  route_key          = "OPTIONS /{proxy+}"
  authorization_type = "NONE"
  target             = "integrations/${aws_apigatewayv2_integration.http.id}"
}

resource "aws_apigatewayv2_route" "orders_get" {
  api_id             = aws_apigatewayv2_api.http.id
  route_key          = "GET /orders"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.http_simple.id
  target             = "integrations/${aws_apigatewayv2_integration.http.id}"
}

resource "aws_apigatewayv2_route" "reports_get" {
  api_id             = aws_apigatewayv2_api.http.id
  route_key          = "GET /reports"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.http_payload_1.id
  target             = "integrations/${aws_apigatewayv2_integration.http.id}"
}

resource "aws_apigatewayv2_stage" "http" {
  api_id      = aws_apigatewayv2_api.http.id
  name        = "$default"
  auto_deploy = true
}

# ---- WebSocket -------------------------------------------------------------------------------------------------------

resource "aws_apigatewayv2_api" "websocket" {
  name                       = "attach-websocket"
  protocol_type              = "WEBSOCKET"
  route_selection_expression = "$request.body.action"
}

# Asked once for each connection. Answers are not kept, so there is no time to set.
resource "aws_apigatewayv2_authorizer" "websocket" {
  name            = "WebSocket"
  api_id          = aws_apigatewayv2_api.websocket.id
  authorizer_type = "REQUEST"
  authorizer_uri  = "${local.functions}/${var.websocket_authorizer_function_arn}/invocations"
  # Browsers cannot set headers on a WebSocket handshake. Keep the query string out of access logs.
  identity_sources = ["route.request.querystring.token"]
}

resource "aws_lambda_permission" "websocket" {
  action        = "lambda:InvokeFunction"
  function_name = var.websocket_authorizer_function_arn
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.websocket.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.websocket.id}"
}

resource "aws_apigatewayv2_integration" "websocket" {
  api_id            = aws_apigatewayv2_api.websocket.id
  integration_type  = "MOCK"
  request_templates = { "application/json" = jsonencode({ statusCode = 200 }) }
}

resource "aws_apigatewayv2_route" "connect" {
  api_id             = aws_apigatewayv2_api.websocket.id
  route_key          = "$connect"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.websocket.id
  target             = "integrations/${aws_apigatewayv2_integration.websocket.id}"
}

resource "aws_apigatewayv2_stage" "websocket" {
  api_id      = aws_apigatewayv2_api.websocket.id
  name        = "v1"
  auto_deploy = true
  # API Gateway deploys no WebSocket API without a route.
  depends_on = [aws_apigatewayv2_route.connect]
}
