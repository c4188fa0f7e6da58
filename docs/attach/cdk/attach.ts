// Attaches the authorizer to one API of each kind, with the AWS CDK. Take the parts that you need.
import { App, CfnParameter, Duration, Stack } from 'aws-cdk-lib';
import * as rest from 'aws-cdk-lib/aws-apigateway';
import * as v2 from 'aws-cdk-lib/aws-apigatewayv2';
import {
  HttpLambdaAuthorizer, HttpLambdaResponseType, WebSocketLambdaAuthorizer,
} from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpUrlIntegration, WebSocketMockIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Function, IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

const ALLOWED_ORIGIN = 'https://app.example.com';
const BACKEND_URL = 'https://backend.example.com';

// Seconds for which an answer is kept. An Allow outlives its token by up to as long.
const TTL = Duration.seconds(300);

// What cannot be a token gets 401 without asking the function, and so has no line in its log.
const TOKEN = String.raw`^\s*([Bb][Ee][Aa][Rr][Ee][Rr]\s+)?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\s*$`;

// The deployed function. `sameEnvironment` says that it is in this stack's account and region; without it the CDK
// cannot tell, adds no permission, and every request is a 500.
function deployed(scope: Construct, id: string, description: string): IFunction {
  const functionArn = new CfnParameter(scope, `${id}FunctionArn`, {
    description,
    allowedPattern: '^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?$',
  }).valueAsString;
  return Function.fromFunctionAttributes(scope, id, { functionArn, sameEnvironment: true });
}

function attachToRest(scope: Construct, authorizer: IFunction): void {
  const api = new rest.RestApi(scope, 'RestApi', {
    restApiName: 'attach-rest',
    cloudWatchRole: false,
    deployOptions: { stageName: 'v1' },
    endpointTypes: [rest.EndpointType.REGIONAL],
    // Adds OPTIONS without an authorizer: browsers send no token with a preflight. `*` would not cover Authorization:
    // browsers want it by name.
    defaultCorsPreflightOptions: {
      allowOrigins: [ALLOWED_ORIGIN],
      allowMethods: ['GET', 'POST', 'OPTIONS'],
      allowHeaders: ['Authorization', 'Content-Type'],
    },
  });

  const cors = { 'Access-Control-Allow-Origin': `'${ALLOWED_ORIGIN}'` };
  const responseParameters = { 'method.response.header.Access-Control-Allow-Origin': true };
  const orders = api.root.addResource('orders', {
    defaultIntegration: backend(),
    defaultMethodOptions: { methodResponses: [{ statusCode: '200', responseParameters }] },
  });

  // TOKEN: the event holds one header's value and no more. The usual choice for a REST API.
  const token = new rest.TokenAuthorizer(scope, 'RestToken', {
    authorizerName: 'RestToken',
    handler: authorizer,
    identitySource: rest.IdentitySource.header('Authorization'),
    validationRegex: TOKEN,
    resultsCacheTtl: TTL,
  });
  orders.addMethod('GET', undefined, { authorizer: token });

  // REQUEST: where the token stands in another place than one header.
  const request = new rest.RequestAuthorizer(scope, 'RestRequest', {
    authorizerName: 'RestRequest',
    handler: authorizer,
    // The key under which answers are kept: every place that TOKEN_SOURCE names must be here.
    identitySources: [rest.IdentitySource.header('Authorization')],
    resultsCacheTtl: TTL,
  });
  orders.addMethod('POST', undefined, { authorizer: request });

  // What API Gateway answers without asking the integration has no CORS headers of its own: without these a browser
  // shows a network error where the caller should see 401 or 403.
  api.addGatewayResponse('Unauthorized', {
    type: rest.ResponseType.UNAUTHORIZED,
    statusCode: '401',
    responseHeaders: { ...cors, 'WWW-Authenticate': "'Bearer'" },
  });
  api.addGatewayResponse('AccessDenied', {
    type: rest.ResponseType.ACCESS_DENIED,
    statusCode: '403',
    responseHeaders: cors,
    templates: { 'application/json': '{"message":"Forbidden","reason":"$context.authorizer.reason"}' },
  });
  api.addGatewayResponse('Default4xx', { type: rest.ResponseType.DEFAULT_4XX, responseHeaders: cors });
  api.addGatewayResponse('Default5xx', { type: rest.ResponseType.DEFAULT_5XX, responseHeaders: cors });
}

// Stands for your own integration.
function backend(): rest.MockIntegration {
  return new rest.MockIntegration({
    requestTemplates: { 'application/json': '{"statusCode": 200}' },
    integrationResponses: [{
      statusCode: '200',
      responseParameters: { 'method.response.header.Access-Control-Allow-Origin': `'${ALLOWED_ORIGIN}'` },
      responseTemplates: { 'application/json': '{"sub": "$context.authorizer.sub"}' },
    }],
  });
}

function attachToHttp(scope: Construct, authorizer: IFunction, simpleAuthorizer: IFunction): void {
  const api = new v2.HttpApi(scope, 'HttpApi', {
    apiName: 'attach-http',
    corsPreflight: {
      allowOrigins: [ALLOWED_ORIGIN],
      allowMethods: [v2.CorsHttpMethod.GET, v2.CorsHttpMethod.POST],
      allowHeaders: ['authorization', 'content-type'],
    },
  });
  const integration = new HttpUrlIntegration('Backend', BACKEND_URL);

  // Every route that is not named elsewhere.
  new v2.HttpRoute(scope, 'HttpDefault', {
    httpApi: api,
    routeKey: v2.HttpRouteKey.DEFAULT,
    integration,
    authorizer: httpIam(scope, api, authorizer),
  });
  // `$default` takes OPTIONS too, and then asks for a token: a preflight needs a route of its own that does not.
  api.addRoutes({ path: '/{proxy+}', methods: [v2.HttpMethod.OPTIONS], integration });

  // Simple responses.
  const simple = new HttpLambdaAuthorizer('HttpSimple', simpleAuthorizer, {
    responseTypes: [HttpLambdaResponseType.SIMPLE],
    // With POLICIES a simple response is about one route, so the route is part of the key. Without POLICIES the header
    // alone will do. With POLICIES and routes such as `ANY /orders` or `$default`, set the TTL to 0: there the verb and
    // the path decide, and neither is in the route's key.
    identitySource: ['$request.header.Authorization', '$context.routeKey'],
    resultsCacheTtl: TTL,
  });
  api.addRoutes({ path: '/orders', methods: [v2.HttpMethod.GET, v2.HttpMethod.POST], integration, authorizer: simple });

  // Payload 1.0, which HttpLambdaAuthorizer takes for answers as IAM documents.
  const payload1 = new HttpLambdaAuthorizer('HttpPayload1', authorizer, {
    responseTypes: [HttpLambdaResponseType.IAM],
    identitySource: ['$request.header.Authorization'],
    resultsCacheTtl: TTL,
  });
  api.addRoutes({ path: '/reports', methods: [v2.HttpMethod.GET], integration, authorizer: payload1 });
}

// Payload 2.0 with answers as IAM documents: one answer holds for every route. HttpLambdaAuthorizer has no such choice.
function httpIam(scope: Construct, httpApi: v2.HttpApi, authorizer: IFunction): v2.IHttpRouteAuthorizer {
  const stack = Stack.of(scope);
  const functions = `arn:${stack.partition}:apigateway:${stack.region}:lambda:path/2015-03-31/functions`;
  const { authorizerId } = new v2.HttpAuthorizer(scope, 'HttpIam', {
    httpApi,
    authorizerName: 'HttpIam',
    type: v2.HttpAuthorizerType.LAMBDA,
    payloadFormatVersion: v2.AuthorizerPayloadVersion.VERSION_2_0,
    enableSimpleResponses: false,
    authorizerUri: `${functions}/${authorizer.functionArn}/invocations`,
    identitySource: ['$request.header.Authorization'],
    resultsCacheTtl: TTL,
  });
  authorizer.addPermission('HttpIamPermission', {
    principal: new ServicePrincipal('apigateway.amazonaws.com'),
    sourceArn: stack.formatArn({
      service: 'execute-api',
      resource: httpApi.apiId,
      resourceName: `authorizers/${authorizerId}`,
    }),
  });
  return v2.HttpAuthorizer.fromHttpAuthorizerAttributes(scope, 'HttpIamRef', {
    authorizerId,
    authorizerType: 'CUSTOM',
  });
}

function attachToWebSocket(scope: Construct, authorizer: IFunction): void {
  const api = new v2.WebSocketApi(scope, 'WebSocketApi', {
    apiName: 'attach-websocket',
    // Asked once for each connection. Answers are not kept, so there is no time to set.
    connectRouteOptions: {
      integration: new WebSocketMockIntegration('Connect'),
      authorizer: new WebSocketLambdaAuthorizer('WebSocket', authorizer, {
        // Browsers cannot set headers on a WebSocket handshake. Keep the query string out of access logs.
        identitySource: ['route.request.querystring.token'],
      }),
    },
  });
  new v2.WebSocketStage(scope, 'WebSocketStage', { webSocketApi: api, stageName: 'v1', autoDeploy: true });
}

// With this flag a change of the authorizer makes a new deployment of the REST API. `cdk init` sets it for new
// projects; without it, a change of the authorizer alone stays without effect.
const app = new App({ context: { '@aws-cdk/aws-apigateway:authorizerChangeDeploymentLogicalId': true } });
const stack = new Stack(app, 'Attach');
const authorizer = deployed(stack, 'Authorizer',
  'The authorizer with RESPONSE_FORMAT=iam and TOKEN_SOURCE=header:Authorization, which are the defaults');
attachToRest(stack, authorizer);
attachToHttp(stack, authorizer, deployed(stack, 'SimpleAuthorizer',
  'The authorizer deployed with RESPONSE_FORMAT=simple. No event tells the function what its API expects'));
attachToWebSocket(stack, deployed(stack, 'WebSocketAuthorizer',
  'The authorizer deployed with TOKEN_SOURCE=query:token'));
app.synth();
