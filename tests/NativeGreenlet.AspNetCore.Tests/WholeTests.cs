using System.Net;
using System.Net.WebSockets;
using System.Text;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Hosting;
using Hub = NativeGreenlet.Cooperative.Hub;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>What of ASP.NET Core runs code of an application, and so may wait there.</summary>
public class WholeTests
{
    /// <summary>Waits; throws where it cannot.</summary>
    internal static string Wait()
    {
        Hub.Sleep(TimeSpan.FromMilliseconds(2));
        return "waited";
    }

    // One at a time: behind a service whose disposal is asynchronous, the container leaves the hub, by ConfigureAwait(false).
    [Fact]
    public async Task A_scoped_service_waits_in_its_disposal_synchronous_or_not()
    {
        TaskCompletionSource<string> disposed = new();
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/slow", (Slow slow) => slow.Name);
                app.MapGet("/later", (SlowLater later) => later.Name);
            },
            services: services => services.AddScoped(_ => new Slow(Add)).AddScoped(_ => new SlowLater(Add)));

        foreach (string name in new[] { "slow", "later" })
        {
            Assert.Equal(name, await server.GetAsync(name));
            Assert.Equal($"{name} waited", await disposed.Task.WaitAsync(Server.Patience));
            disposed = new();
        }

        Assert.Empty(server.Log.Complaints);

        void Add(string text) => disposed.SetResult(text);
    }

    [Fact]
    public async Task What_is_called_when_a_response_starts_and_is_completed_waits()
    {
        TaskCompletionSource<string> completed = new();
        await using Server server = await Server.StartAsync(app => app.MapGet("/{how}", (HttpContext context, string how) =>
        {
            context.Response.OnStarting(() =>
            {
                context.Response.Headers["started"] = Wait();
                return Task.CompletedTask;
            });
            context.Response.OnCompleted(async () =>
            {
                await Task.Delay(1);
                completed.TrySetResult(Wait());
            });
            if (how == "inside")
            {
                context.Response.Body.Write("inside"u8); // starts it here
            }
        }));

        foreach (string how in new[] { "inside", "outside" }) // the latter is started by the server, when the request is over
        {
            using HttpResponseMessage reply = await server.Client.GetAsync(new Uri(how, UriKind.Relative));
            Assert.Equal("waited", reply.Headers.GetValues("started").Single());
            Assert.Equal("waited", await completed.Task.WaitAsync(Server.Patience));
            completed = new();
        }

        Assert.Empty(server.Log.Complaints);
    }

    [Fact]
    public async Task Filters_formatters_and_endpoint_filters_wait()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapControllers();
                app.MapGet("/filtered", () => Wait()).AddEndpointFilter(async (context, next) => $"{Wait()} {await next(context)} {Wait()}");
            },
            services: services => services.AddControllers(options =>
            {
                options.Filters.Add(new WaitingFilter());
                options.OutputFormatters.Insert(0, new WaitingFormatter());
            }).AddApplicationPart(typeof(WholeTests).Assembly));

        Assert.Equal("waited waited waited", await server.GetAsync("/filtered"));
        Assert.Equal("waited before action, waited in formatter", await server.GetAsync("/whole"));
        Assert.Empty(server.Log.Complaints);
    }

    [Fact]
    public async Task Methods_of_SignalR_hubs_wait_and_push()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.UseWebSockets();
                app.MapHub<WaitingHub>("/hub");
            },
            services: services => services.AddSignalR().AddGreenlets());
        using ClientWebSocket socket = new();
        await socket.ConnectAsync(new Uri($"ws://{server.EndPoint}/hub"), CancellationToken.None);
        await SendAsync("""{"protocol":"json","version":1}""");
        Assert.Contains("{}", await ReceiveAsync("{}"), StringComparison.Ordinal);
        await SendAsync("""{"type":1,"invocationId":"1","target":"Ask","arguments":["me"]}""");
        string answers = await ReceiveAsync("\"invocationId\":\"1\"");
        Assert.Contains("""{"type":1,"target":"pushed","arguments":["waited"]}""", answers, StringComparison.Ordinal);
        Assert.Contains("\"result\":\"me waited\"", answers, StringComparison.Ordinal);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

        Task SendAsync(string message) => socket.SendAsync(Encoding.UTF8.GetBytes(message + "\u001e"), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

        async Task<string> ReceiveAsync(string until)
        {
            using CancellationTokenSource patience = new(Server.Patience);
            StringBuilder all = new();
            byte[] buffer = new byte[4096];
            while (!all.ToString().Contains(until, StringComparison.Ordinal))
            {
                ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), patience.Token);
                Assert.NotEqual(WebSocketMessageType.Close, received.MessageType);
                all.Append(Encoding.UTF8.GetString(buffer, 0, received.Count));
            }

            return all.ToString();
        }
    }

    [Fact]
    public async Task Methods_of_gRPC_services_wait()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        Server.Configure(builder);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGreenlets();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton<IServiceMethodProvider<WaitingService>, WaitingService.Methods>();
        await using WebApplication application = builder.Build();
        application.UseGreenlets();
        application.MapGrpcService<WaitingService>();
        await application.StartAsync();
        string address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        using GrpcChannel channel = GrpcChannel.ForAddress(address);
        CallInvoker invoker = channel.CreateCallInvoker();

        string answer = await invoker.AsyncUnaryCall(WaitingService.Ask, null, new CallOptions(), "me").ResponseAsync.WaitAsync(Server.Patience);
        Assert.Equal("me waited", answer);
        using AsyncServerStreamingCall<string> stream = invoker.AsyncServerStreamingCall(WaitingService.Count, null, new CallOptions(), "me");
        List<string> answers = [];
        await foreach (string each in stream.ResponseStream.ReadAllAsync())
        {
            answers.Add(each);
        }

        Assert.Equal(["me 0 waited", "me 1 waited"], answers);
        await application.StopAsync();
    }

    [Fact]
    public async Task A_background_task_is_not_of_a_request_and_goes_to_a_hub_by_itself()
    {
        TaskCompletionSource<string> done = new();
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", () => "hello"),
            services: services => services.AddHostedService(_ => new Background(done)));
        Assert.Equal("refused, then waited", await done.Task.WaitAsync(Server.Patience));
    }

    private sealed class Slow(Action<string> add) : IDisposable
    {
        public string Name => "slow";

        public void Dispose() => add($"slow {Wait()}");
    }

    private sealed class SlowLater(Action<string> add) : IAsyncDisposable
    {
        public string Name => "later";

        public async ValueTask DisposeAsync()
        {
            await Task.Delay(1);
            add($"later {Wait()}");
        }
    }

    private sealed class WaitingFilter : IActionFilter
    {
        public void OnActionExecuting(ActionExecutingContext context) => context.HttpContext.Items["filter"] = Wait();

        public void OnActionExecuted(ActionExecutedContext context) => Wait();
    }

    private sealed class WaitingFormatter : TextOutputFormatter
    {
        public WaitingFormatter()
        {
            SupportedEncodings.Add(Encoding.UTF8);
            SupportedMediaTypes.Add("text/plain");
        }

        public override Task WriteResponseBodyAsync(OutputFormatterWriteContext context, Encoding selectedEncoding)
        {
            using StreamWriter writer = new(context.HttpContext.Response.Body, leaveOpen: true);
            writer.Write($"{context.Object}, {Wait()} in formatter");
            return Task.CompletedTask;
        }
    }

    private sealed class WaitingHub : Microsoft.AspNetCore.SignalR.Hub
    {
        public string Ask(string who)
        {
            Hub.Await(Clients.Caller.SendAsync("pushed", Wait()));
            return $"{who} {Wait()}";
        }
    }

    private sealed class WaitingService
    {
        private static readonly Marshaller<string> s_text = Marshallers.Create(Encoding.UTF8.GetBytes, Encoding.UTF8.GetString);

        public static Method<string, string> Ask { get; } = new(MethodType.Unary, "Waiting", "Ask", s_text, s_text);

        public static Method<string, string> Count { get; } = new(MethodType.ServerStreaming, "Waiting", "Count", s_text, s_text);

        public sealed class Methods : IServiceMethodProvider<WaitingService>
        {
            public void OnServiceMethodDiscovery(ServiceMethodProviderContext<WaitingService> context)
            {
                context.AddUnaryMethod(Ask, [], (_, request, _) => Task.FromResult($"{request} {Wait()}"));
                context.AddServerStreamingMethod(Count, [], async (_, request, stream, _) =>
                {
                    for (int i = 0; i < 2; i++)
                    {
                        await stream.WriteAsync($"{request} {i} {Wait()}");
                    }
                });
            }
        }
    }

    private sealed class Background(TaskCompletionSource<string> done) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            string first = "waited";
            try
            {
                Wait();
            }
            catch (MissingHubException)
            {
                first = "refused";
            }

            done.SetResult($"{first}, then {await Hub.RunAsync(Wait, stoppingToken)}");
        }
    }
}

/// <summary>A controller of <see cref="WholeTests"/>.</summary>
[Route("whole")]
public sealed class WholeController : ControllerBase
{
    [HttpGet]
    public string Get() => $"{HttpContext.Items["filter"]} before action";
}
