using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>Every limit of a request holds on a hub as it does without: the same handler runs both ways, and what comes of it is
/// compared.</summary>
public class LimitTests
{
    private static readonly (string Name, Func<HttpContext, string> Read)[] s_forms =
    [
        ("Form", context => context.Request.Form.Count.ToString()),
        ("ReadFormAsync", context => context.Request.ReadFormAsync().GetAwaiter().GetResult().Count.ToString()),
    ];

    private static readonly (string Name, Func<HttpContext, string> Read)[] s_bodies =
    [
        ("Read", context => Length(context.Request.Body)),
        ("BodyReader", context => Length(context.Request.BodyReader.AsStream())),
        ("Form", context => context.Request.Form.Count.ToString()),
        ("EnableBuffering", context =>
        {
            context.Request.EnableBuffering();
            return Length(context.Request.Body);
        }),
    ];

    /// <summary>What comes of reading.</summary>
    internal static string Outcome(HttpContext context, Func<HttpContext, string> read)
    {
        try
        {
            return read(context);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or BadHttpRequestException or InvalidOperationException)
        {
            return $"{exception.GetType().Name}: {exception.Message} {(exception as BadHttpRequestException)?.StatusCode}";
        }
    }

    [Fact]
    public Task The_number_of_values_that_an_endpoint_allows() => BothAsync(
        s_forms,
        Values(5),
        "limit 3 exceeded",
        endpoint: endpoint => endpoint.WithFormOptions(valueCountLimit: 3));

    [Fact]
    public Task The_length_of_a_value_that_an_endpoint_allows() => BothAsync(
        s_forms,
        Values(5),
        "limit 2 exceeded",
        endpoint: endpoint => endpoint.WithFormOptions(valueLengthLimit: 2));

    [Fact]
    public Task The_size_of_a_file_that_an_endpoint_allows() => BothAsync(
        s_forms,
        File(10_000),
        "limit 1000 exceeded",
        endpoint: endpoint => endpoint.WithFormOptions(multipartBodyLengthLimit: 1000));

    [Fact]
    public Task The_number_of_values_that_an_application_allows() => BothAsync(
        s_forms,
        Values(5),
        "limit 3 exceeded",
        services: services => services.Configure<FormOptions>(options => options.ValueCountLimit = 3));

    [Fact]
    public Task The_size_of_a_file_that_an_application_allows() => BothAsync(
        s_forms,
        File(10_000),
        "limit 1000 exceeded",
        services: services => services.Configure<FormOptions>(options => options.MultipartBodyLengthLimit = 1000));

    [Fact]
    public Task The_form_that_middleware_inside_allows() => BothAsync(
        s_forms,
        Values(5),
        "limit 3 exceeded",
        inside: context => context.Features.Set<IFormFeature>(new FormFeature(context.Request, new FormOptions { ValueCountLimit = 3 })));

    [Fact]
    public Task The_size_of_a_body_that_the_server_allows() => BothAsync(
        s_bodies,
        Values(5_000),
        "Request body too large. The max request body size is 10000 bytes. 413",
        services: services => services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxRequestBodySize = 10_000));

    [Fact]
    public Task The_size_of_a_body_that_an_endpoint_allows() => BothAsync(
        s_bodies,
        Values(5_000),
        "Request body too large. The max request body size is 10000 bytes. 413",
        endpoint: endpoint => endpoint.WithMetadata(new RequestSizeLimitAttribute(10_000)));

    [Fact]
    public Task The_size_of_a_body_that_middleware_inside_allows() => BothAsync(
        s_bodies,
        Values(5_000),
        "Request body too large. The max request body size is 10000 bytes. 413",
        inside: context => context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = 10_000);

    [Fact]
    public Task The_size_of_what_a_body_is_decompressed_to() => BothAsync(
        s_bodies,
        () => Compressed(100_000),
        "larger than the request body size limit 10000",
        services: services => services.AddRequestDecompression(),
        middleware: app => app.UseRequestDecompression(),
        endpoint: endpoint => endpoint.WithMetadata(new RequestSizeLimitAttribute(10_000)));

    [Fact]
    public async Task The_length_of_a_value_that_an_action_allows()
    {
        await using Server server = await Server.StartAsync(
            app => app.MapControllers(),
            options => options.Hubs = 1,
            services => services.AddControllers().AddApplicationPart(typeof(FormController).Assembly));
        string green = await PostAsync("/form/green");
        Assert.Contains("limit 10 exceeded", green, StringComparison.Ordinal);
        Assert.Equal(await PostAsync("/form/stock"), green);

        async Task<string> PostAsync(string path)
        {
            using FormUrlEncodedContent form = new([new("a", new string('x', 100))]);
            return await server.PostAsync(path, form);
        }
    }

    /// <summary>A client that sends too slowly is sent away.</summary>
    [Fact]
    public async Task The_rate_of_a_body()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/green/{way}", (HttpContext context, int way) => Outcome(context, s_bodies[way].Read));
                app.MapPost("/stock/{way}", (HttpContext context, int way) => Outcome(context, s_bodies[way].Read)).DisableGreenlets();
            },
            options => options.Hubs = 1,
            services => services.Configure<KestrelServerOptions>(kestrel =>
            {
                kestrel.AllowSynchronousIO = true;
                kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(10_000, TimeSpan.FromSeconds(2));
            }));

        await Task.WhenAll(s_bodies.Select(async (way, i) =>
        {
            string[] both = await Task.WhenAll(AskAsync($"/green/{i}"), AskAsync($"/stock/{i}"));
            Assert.Contains("data arriving too slowly", both[0], StringComparison.Ordinal);
            Assert.Contains(" 408", both[0], StringComparison.Ordinal);
            Assert.Equal(both[1], both[0]);
        }));

        async Task<string> AskAsync(string path)
        {
            using TcpClient client = new();
            await client.ConnectAsync(server.EndPoint);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: me\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\na=b"));
            using StreamReader reader = new(client.GetStream());
            string answer = await reader.ReadToEndAsync().WaitAsync(Server.Patience);
            return answer[answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)..];
        }
    }

    /// <summary>A client that does not read is sent away, and whoever writes to it does not wait for ever.</summary>
    [Fact]
    public async Task The_rate_of_an_answer()
    {
        List<TaskCompletionSource> ended = [new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously)];
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/0", (HttpContext context) => Write(context, ended[0]));
                app.MapGet("/1", (HttpContext context) => Write(context, ended[1])).DisableGreenlets();
            },
            options => options.Hubs = 1,
            services => services.Configure<KestrelServerOptions>(kestrel =>
            {
                kestrel.AllowSynchronousIO = true;
                kestrel.Limits.MinResponseDataRate = new MinDataRate(1_000_000, TimeSpan.FromSeconds(2));
            }));
        using TcpClient first = await AskAsync("/0");
        using TcpClient second = await AskAsync("/1");

        await Task.WhenAll(ended.Select(end => end.Task)).WaitAsync(Server.Patience);

        static void Write(HttpContext context, TaskCompletionSource end)
        {
            try
            {
                byte[] piece = new byte[100_000];
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    context.Response.Body.Write(piece);
                }
            }
            finally
            {
                end.SetResult();
            }
        }

        async Task<TcpClient> AskAsync(string path)
        {
            TcpClient client = new() { ReceiveBufferSize = 4096 };
            await client.ConnectAsync(server.EndPoint);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n"));
            return client;
        }
    }

    /// <summary>The time of a request that middleware before <c>UseGreenlets</c> limits ends its waits.</summary>
    [Fact]
    public async Task The_time_of_a_request()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/wait", () => Hub.Sleep(Timeout.InfiniteTimeSpan)).WithRequestTimeout(TimeSpan.FromMilliseconds(100));
                app.MapPost("/read", (HttpContext context) => Length(context.Request.Body)).WithRequestTimeout(TimeSpan.FromMilliseconds(100));
                app.MapPost("/form", (HttpContext context) => context.Request.Form.Count).WithRequestTimeout(TimeSpan.FromMilliseconds(100));
            },
            options => options.Hubs = 1,
            services => services.AddRequestTimeouts(),
            before: app =>
            {
                app.UseRouting();
                app.UseRequestTimeouts();
            });

        foreach (string path in new[] { "/wait", "/read" })
        {
            Assert.Equal("504", await AskAsync(path));
        }

        Assert.Contains(await AskAsync("/form"), new[] { "504", string.Empty }); // a form that is given up ends the connection, there as here

        async Task<string> AskAsync(string path)
        {
            using TcpClient client = new();
            await client.ConnectAsync(server.EndPoint);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: me\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\na=b"));
            using StreamReader reader = new(client.GetStream());
            try
            {
                return (await reader.ReadLineAsync().WaitAsync(Server.Patience))?.Split(' ')[1] ?? string.Empty;
            }
            catch (IOException)
            {
                return string.Empty;
            }
        }
    }

    private static async Task BothAsync(
        (string Name, Func<HttpContext, string> Read)[] ways,
        Func<HttpContent> content,
        string expected,
        Action<RouteHandlerBuilder>? endpoint = null,
        Action<IServiceCollection>? services = null,
        Action<HttpContext>? inside = null,
        Action<WebApplication>? middleware = null)
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                middleware?.Invoke(app);
                app.Use(next => context =>
                {
                    inside?.Invoke(context);
                    return next(context);
                });
                foreach ((string name, Func<HttpContext, string> read) in ways)
                {
                    endpoint?.Invoke(app.MapPost($"/green/{name}", (HttpContext context) => $"{Hub.IsInside} {Outcome(context, read)}"));
                    if (endpoint is null)
                    {
                        app.MapPost($"/green/{name}", (HttpContext context) => $"{Hub.IsInside} {Outcome(context, read)}");
                    }

                    RouteHandlerBuilder stock = app.MapPost($"/stock/{name}", (HttpContext context) => $"{Hub.IsInside} {Outcome(context, read)}").DisableGreenlets();
                    endpoint?.Invoke(stock);
                }
            },
            options => options.Hubs = 1,
            own =>
            {
                services?.Invoke(own);
                own.Configure<KestrelServerOptions>(kestrel => kestrel.AllowSynchronousIO = true);
            });

        foreach ((string name, _) in ways)
        {
            string green = await PostAsync($"/green/{name}");
            Assert.StartsWith("True ", green, StringComparison.Ordinal);
            Assert.Contains(expected, green, StringComparison.Ordinal);
            Assert.Equal(await PostAsync($"/stock/{name}"), green.Replace("True ", "False ", StringComparison.Ordinal));
        }

        async Task<string> PostAsync(string path)
        {
            // By its own connection, which the server may close before it has read all.
            using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = content() };
            request.Headers.TransferEncodingChunked = true; // so that the limit is met while the body is read
            request.Headers.ConnectionClose = true;
            using HttpResponseMessage reply = await server.Client.SendAsync(request);
            string text = await reply.Content.ReadAsStringAsync();
            Assert.True(reply.StatusCode == HttpStatusCode.OK, $"{path} {reply.StatusCode} {text} {string.Join('\n', server.Log.Entries)}");
            return text;
        }
    }

    private static Func<HttpContent> Values(int count) =>
        () => new FormUrlEncodedContent(Enumerable.Range(0, count).Select(i => KeyValuePair.Create($"name{i % 7}", "value")));

    private static Func<HttpContent> File(int size) =>
        () => new MultipartFormDataContent { { new StringContent(new string('x', size)), "file", "file.txt" } };

    private static ByteArrayContent Compressed(int size)
    {
        using MemoryStream bytes = new();
        using (GZipStream compressing = new(bytes, CompressionLevel.Fastest))
        {
            compressing.Write(Encoding.ASCII.GetBytes("a=" + new string('x', size)));
        }

        return new ByteArrayContent(bytes.ToArray())
        {
            Headers = { ContentEncoding = { "gzip" }, ContentType = new("application/x-www-form-urlencoded") },
        };
    }

    private static string Length(Stream stream)
    {
        byte[] buffer = new byte[4000];
        int length = 0;
        int count;
        while ((count = stream.Read(buffer, 0, buffer.Length)) != 0)
        {
            length += count;
        }

        return length.ToString();
    }
}
