using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>A server whose handler is written in blocking style, and which knows what is left.</summary>
internal sealed class ConformanceServer : IAsyncDisposable
{
    /// <summary>How many streams a connection may have.</summary>
    public const int MostStreams = 100;

    /// <summary>How much may be sent on a stream before it is read.</summary>
    public const int StreamWindow = 65_535;

    /// <summary>How much may be sent on a connection before it is read.</summary>
    public const int ConnectionWindow = 100_000;

    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentDictionary<Hub, bool> _hubs = new();
    private Server _server = null!;
    private int _inside;
    private int _connections;
    private int _requests;

    private ConformanceServer(X509Certificate2? certificate) => _certificate = certificate;

    /// <summary>What follows the first line of an answer.</summary>
    public static string Filling { get; } = string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i % 1000:000}\n"));

    public EndPoint EndPoint => _server.EndPoint;

    public bool IsSecure => _certificate is not null;

    public string? CertificateHash => _certificate?.GetCertHashString();

    public Log Log => _server.Log;

    /// <summary>How many requests have reached the handler.</summary>
    public int RequestCount => Volatile.Read(ref _requests);

    /// <summary>What has not ended: handlers, tasks of the hubs, connections.</summary>
    public string Left => $"{Volatile.Read(ref _inside)} handlers, {_hubs.Keys.Sum(hub => hub.TaskCount)} tasks, {Volatile.Read(ref _connections)} connections";

    public static async Task<ConformanceServer> StartAsync(bool isOnTransport, bool isSecure, Action<GreenletTransportOptions>? transport = null, Action<GreenRequestOptions>? options = null)
    {
        ConformanceServer server = new(isSecure ? MakeCertificate() : null);
        Server.IsOnTransport = isOnTransport;
        try
        {
            server._server = await Server.StartAsync(
                app => app.Run(server.Handle),
                options,
                kestrel: kestrel =>
                {
                    kestrel.Limits.Http2.MaxStreamsPerConnection = MostStreams;
                    kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindow;
                    kestrel.Limits.Http2.InitialConnectionWindowSize = ConnectionWindow;
                    kestrel.Limits.MinRequestBodyDataRate = null;
                    kestrel.Limits.MinResponseDataRate = null;
                    kestrel.Listen(IPAddress.Loopback, 0, listen =>
                    {
                        listen.Protocols = HttpProtocols.Http2;
                        listen.Use(server.Count);
                        if (server._certificate is { } certificate)
                        {
                            listen.UseHttps(certificate);
                        }
                    });
                },
                transport: transport);
            return server;
        }
        finally
        {
            Server.IsOnTransport = false;
        }
    }

    /// <summary>Waits until nothing is left.</summary>
    public async Task AssertNothingIsLeftAsync(int connections = 0)
    {
        string expected = $"0 handlers, 0 tasks, {connections} connections";
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (Left != expected && !patience.IsCancellationRequested)
        {
            await Task.Delay(2);
        }

        Assert.Equal(expected, Left);
    }

    public Task StopAsync() => _server.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _certificate?.Dispose();
    }

    // "/hold" never reads its body; "/block" keeps its hub for a time; "/wide/N" answers with N times as much. It reads, waits and answers.
    private Task Handle(HttpContext context)
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Increment(ref _inside);
        try
        {
            _hubs.TryAdd(Hub.Current, true);
            string path = context.Request.Path.Value!;
            if (path == "/hold")
            {
                Hub.Sleep(Timeout.InfiniteTimeSpan);
            }

            if (path == "/block")
            {
                Thread.Sleep(40);
            }

            byte[] buffer = new byte[1000];
            int total = 0;
            for (int count; (count = context.Request.Body.Read(buffer)) != 0;)
            {
                total += count;
            }

            Hub.Sleep(TimeSpan.FromMilliseconds(1));
            string check = context.Request.Headers["x-check"].ToString() is { Length: > 0 } value ? $", {value}" : string.Empty;
            string line = $"{total} read{check}\n";
            int fillings = path.StartsWith("/wide/", StringComparison.Ordinal) ? int.Parse(path.AsSpan("/wide/".Length), CultureInfo.InvariantCulture) : 1;
            context.Response.Headers["x-answer"] = "yes";
            context.Response.ContentLength = line.Length + (fillings * Filling.Length);
            if (!HttpMethods.IsHead(context.Request.Method))
            {
                context.Response.Body.Write(Encoding.UTF8.GetBytes(line));
                for (; fillings > 0; fillings--)
                {
                    context.Response.Body.Write(Encoding.UTF8.GetBytes(Filling));
                }
            }

            return Task.CompletedTask;
        }
        finally
        {
            Interlocked.Decrement(ref _inside);
        }
    }

    private ConnectionDelegate Count(ConnectionDelegate next) => async connection =>
    {
        Interlocked.Increment(ref _connections);
        try
        {
            await next(connection);
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    };

    private static X509Certificate2 MakeCertificate()
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
