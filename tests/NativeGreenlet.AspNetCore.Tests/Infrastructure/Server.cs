using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
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

    public HttpClient Client { get; }

    public Log Log { get; }

    public IPEndPoint EndPoint { get; private set; } = null!;

    /// <summary>Starts an application whose requests run on greenlets.</summary>
    /// <param name="configure">Adds middleware and endpoints, after <c>UseGreenlets</c>.</param>
    /// <param name="options">Sets options.</param>
    /// <param name="services">Adds services.</param>
    /// <param name="before">Adds middleware before <c>UseGreenlets</c>.</param>
    /// <param name="usesGreenlets">Whether there is <c>UseGreenlets</c>.</param>
    public static async Task<Server> StartAsync(
        Action<WebApplication> configure,
        Action<GreenRequestOptions>? options = null,
        Action<IServiceCollection>? services = null,
        Action<WebApplication>? before = null,
        bool usesGreenlets = true)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
        });
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
        server.EndPoint = IPEndPoint.Parse(new Uri(address).Authority);
        server.Client.BaseAddress = new Uri(address);
        return server;
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
