using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>An application on Kestrel, on the loopback interface, and a client.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly WebApplication _application;

    private Server(WebApplication application, Log log)
    {
        _application = application;
        Log = log;
        Client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = int.MaxValue }) { Timeout = Patience };
    }

    /// <summary>What no test should need more than.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromMinutes(3);

    /// <summary>Whether connections live on hubs, in all applications that are started from now on.</summary>
    public static bool IsOnTransport { get; set; }

    public HttpClient Client { get; }

    public Log Log { get; }

    public IPEndPoint EndPoint { get; private set; } = null!;

    /// <summary>Starts an application whose requests run on greenlets.</summary>
    /// <param name="configure">Adds middleware and endpoints, after <c>UseGreenlets</c>.</param>
    /// <param name="options">Sets options.</param>
    /// <param name="services">Adds services.</param>
    /// <param name="before">Adds middleware before <c>UseGreenlets</c>.</param>
    /// <param name="usesGreenlets">Whether there is <c>UseGreenlets</c>.</param>
    /// <param name="kestrel">Sets options of the server; null for one endpoint that any client can use.</param>
    /// <param name="transport">Sets options of the transport, if connections live on hubs.</param>
    public static async Task<Server> StartAsync(
        Action<WebApplication> configure,
        Action<GreenRequestOptions>? options = null,
        Action<IServiceCollection>? services = null,
        Action<WebApplication>? before = null,
        bool usesGreenlets = true,
        Action<KestrelServerOptions>? kestrel = null,
        Action<GreenletTransportOptions>? transport = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        Configure(builder, transport);
        builder.WebHost.ConfigureKestrel(kestrel ?? (options =>
        {
            options.Listen(IPAddress.Loopback, 0);
            options.Limits.MaxRequestBodySize = null;
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
        }));
        Log log = new();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.Services.AddGreenlets(options);
        services?.Invoke(builder.Services);
        WebApplication application = builder.Build();
        before?.Invoke(application);
        if (usesGreenlets)
        {
            application.UseGreenlets();
        }

        configure(application);
        await application.StartAsync();
        Server server = new(application, log);
        string address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        if (Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && IPEndPoint.TryParse(uri.Authority, out IPEndPoint? endPoint))
        {
            server.EndPoint = endPoint;
            server.Client.BaseAddress = uri;
        }

        return server;
    }

    /// <summary>Has the transport that the tests ask for.</summary>
    public static void Configure(WebApplicationBuilder builder, Action<GreenletTransportOptions>? transport = null)
    {
        if (IsOnTransport)
        {
            builder.WebHost.UseGreenletTransport(transport);
        }
    }

    public async Task<string> GetAsync(string path) => await Client.GetStringAsync(new Uri(path, UriKind.Relative)).WaitAsync(Patience);

    public async Task<HttpStatusCode> GetStatusAsync(string path)
    {
        using HttpResponseMessage reply = await Client.GetAsync(new Uri(path, UriKind.Relative)).WaitAsync(Patience);
        return reply.StatusCode;
    }

    public async Task<string> PostAsync(string path, HttpContent content)
    {
        using HttpResponseMessage reply = await Client.PostAsync(new Uri(path, UriKind.Relative), content).WaitAsync(Patience);
        string text = await reply.Content.ReadAsStringAsync().WaitAsync(Patience);
        Assert.True(reply.IsSuccessStatusCode, $"{reply.StatusCode} {text} {string.Join('\n', Log.Entries)}");
        return text;
    }

    public Task StopAsync(CancellationToken cancellation = default) => _application.StopAsync(cancellation);

    /// <summary>Ends it; fails if that does not come to an end: a request that blocks its hub's thread, and does not park, keeps it.</summary>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Task ending = Task.Run(async () => await _application.DisposeAsync());
        if (await Task.WhenAny(ending, Task.Delay(Patience)) != ending)
        {
            throw new TimeoutException($"The application did not end within {Patience}; a request blocks its hub. {string.Join('\n', Log.Entries)}");
        }

        await ending;
    }
}
