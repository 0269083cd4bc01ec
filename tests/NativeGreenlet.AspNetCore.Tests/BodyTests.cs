using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using NativeGreenlet.Common;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>Bodies are read and written by synchronous calls, which park.</summary>
public class BodyTests
{
    [Fact]
    public async Task Big_bodies_are_read_and_written_while_the_collector_compacts()
    {
        ConcurrentBag<bool> pooled = [];
        await using Server server = await Server.StartAsync(
            app => app.MapPost("/echo", (HttpContext context) =>
            {
                // What a frame holds while it is parked, is compared after each wait.
                byte[] buffer = new byte[10_007];
                Cell[] held = [.. Enumerable.Range(0, 20).Select(i => new Cell(i))];
                int count;
                while ((count = context.Request.Body.Read(buffer, 3, buffer.Length - 3)) != 0)
                {
                    context.Response.Body.Write(buffer.AsSpan(3, count));
                    for (int i = 0; i < held.Length; i++)
                    {
                        Assert.True(held[i].Is(i));
                    }
                }

                context.Response.Body.Flush();
                pooled.Add(Thread.CurrentThread.IsThreadPoolThread);
            }),
            options => options.Hubs = 2);

        using (new CollectorPressure(1))
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
            {
                byte[] body = new byte[1_000_000 + i];
                new Random(i).NextBytes(body);
                using HttpResponseMessage reply = await server.Client.PostAsync(new Uri("/echo", UriKind.Relative), new SlowContent(body, "application/octet-stream", pieces: 20));
                byte[] answer = await reply.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync();
                Assert.True(body.AsSpan().SequenceEqual(answer));
            }));
        }

        Assert.Equal(8, pooled.Count);
        Assert.DoesNotContain(true, pooled);
    }

    /// <summary>There is one hub, and between two pieces of a body it must answer another request.</summary>
    [Fact]
    public async Task Every_synchronous_way_to_a_body_parks()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/reader", (HttpContext context) =>
                {
                    using StreamReader reader = new(context.Request.Body);
                    using StreamWriter writer = new(context.Response.Body) { AutoFlush = true };
                    writer.Write(reader.ReadToEnd());
                });
                app.MapPost("/json", (HttpContext context) =>
                {
                    int[] numbers = JsonSerializer.Deserialize<int[]>(context.Request.Body)!;
                    JsonSerializer.Serialize(context.Response.Body, numbers);
                });
                app.MapPost("/copy", (HttpContext context) => context.Request.Body.CopyTo(context.Response.Body));
                app.MapPost("/pipes", (HttpContext context) =>
                {
                    using Stream from = context.Request.BodyReader.AsStream();
                    using Stream to = context.Response.BodyWriter.AsStream();
                    from.CopyTo(to);
                });
                app.MapPost("/pipe", (HttpContext context) =>
                {
                    while (true)
                    {
                        ReadResult result = Hub.Await(context.Request.BodyReader.ReadAsync());
                        foreach (ReadOnlyMemory<byte> piece in result.Buffer)
                        {
                            context.Response.BodyWriter.Write(piece.Span);
                        }

                        context.Request.BodyReader.AdvanceTo(result.Buffer.End);
                        Hub.Await(context.Response.BodyWriter.FlushAsync());
                        if (result.IsCompleted)
                        {
                            return;
                        }
                    }
                });
                app.MapPost("/again", (HttpContext context) =>
                {
                    context.Request.EnableBuffering();
                    using StreamReader reader = new(context.Request.Body);
                    string first = reader.ReadToEnd();
                    context.Request.Body.Position = 0;
                    context.Request.Body.CopyTo(context.Response.Body);
                    Assert.Equal(first.Length, context.Request.Body.Position);
                });
                app.MapPost("/gzip", (HttpContext context) =>
                {
                    using GZipStream compressing = new(context.Response.Body, CompressionLevel.Fastest);
                    context.Request.Body.CopyTo(compressing);
                });
                app.MapPost("/async", (HttpContext context) => context.Request.Body.CopyToAsync(context.Response.Body));
                app.MapGet("/small", () => "small");
            },
            options => options.Hubs = 1);
        byte[] body = Encoding.ASCII.GetBytes($"[{string.Join(',', Enumerable.Range(0, 30_000))}]");

        foreach (string path in new[] { "/reader", "/json", "/copy", "/pipes", "/pipe", "/again", "/gzip", "/async" })
        {
            using HttpResponseMessage reply = await server.Client.PostAsync(new Uri(path, UriKind.Relative), new SlowContent(body, "application/json", between: () => server.GetAsync("/small")));
            Assert.True(reply.IsSuccessStatusCode, $"{path} {string.Join('\n', server.Log.Entries)}");
            Stream answer = await reply.Content.ReadAsStreamAsync();
            using StreamReader reader = new(path == "/gzip" ? new GZipStream(answer, CompressionMode.Decompress) : answer);
            Assert.Equal(Encoding.ASCII.GetString(body), await reader.ReadToEndAsync());
        }
    }

    [Fact]
    public async Task Forms_are_read_by_a_property()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/", (HttpContext context) =>
                {
                    using StreamReader reader = new(context.Request.Form.Files[0].OpenReadStream());
                    return $"{context.Request.Form["name"]} {reader.ReadToEnd().Length}";
                });
                app.MapGet("/small", () => "small");
            },
            options => options.Hubs = 1);
        MultipartFormDataContent form = new() { { new StringContent("value"), "name" }, { new StringContent(new string('x', 200_000)), "file", "file.txt" } };
        byte[] body = await form.ReadAsByteArrayAsync();

        string answer = await server.PostAsync("/", new SlowContent(body, "multipart/form-data", between: () => server.GetAsync("/small")) { Headers = { ContentType = form.Headers.ContentType } });

        Assert.Equal("value 200000", answer);
    }

    /// <summary>One of two tasks that read the form gives up: the other one gets it all the same.</summary>
    [Fact]
    public async Task A_form_that_one_reader_gives_up_is_read_for_the_other()
    {
        TaskCompletionSource isGivenUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(
            app => app.MapPost("/", (HttpContext context) =>
            {
                GreenTask<string> first = Hub.Spawn(() => context.Request.Form["name"].ToString());
                GreenTask<string> second = Hub.Spawn(() => context.Request.Form["name"].ToString());
                Hub.Yield();
                first.Kill();
                isGivenUp.SetResult();
                return $"{first.IsKilled} {second.Result}";
            }),
            options => options.Hubs = 1);
        MultipartFormDataContent form = new() { { new StringContent("value"), "name" }, { new StringContent(new string('x', 200_000)), "file", "file.txt" } };
        byte[] body = await form.ReadAsByteArrayAsync();

        string answer = await server.PostAsync("/", new SlowContent(body, "multipart/form-data", between: () => isGivenUp.Task) { Headers = { ContentType = form.Headers.ContentType } });

        Assert.Equal("True value", answer);
    }

    /// <summary>A client that does not read keeps its request waiting, and nobody else.</summary>
    [Fact]
    public async Task A_slow_reader_does_not_hold_the_hub()
    {
        const int Size = 32 * 1024 * 1024;
        TaskCompletionSource isWriting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        bool isWritten = false;
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/big", (HttpContext context) =>
                {
                    byte[] piece = new byte[100_000];
                    for (int left = Size; left > 0; left -= piece.Length)
                    {
                        piece.AsSpan().Fill((byte)left);
                        context.Response.Body.Write(piece.AsSpan(0, Math.Min(left, piece.Length)));
                        isWriting.TrySetResult();
                    }

                    isWritten = true;
                });
                app.MapGet("/small", () => "small");
            },
            options => options.Hubs = 1);
        using TcpClient slow = new() { ReceiveBufferSize = 4096 };
        await slow.ConnectAsync(server.EndPoint);
        await slow.GetStream().WriteAsync("GET /big HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n"u8.ToArray());
        await isWriting.Task.WaitAsync(Server.Patience);

        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("small", await server.GetAsync("/small"));
        }

        Assert.False(isWritten);
        using MemoryStream all = new();
        await slow.GetStream().CopyToAsync(all);
        Assert.True(isWritten);
        Assert.True(all.Length > Size);
    }

    [Fact]
    public async Task What_is_outside_gets_the_bodies_of_the_server_back()
    {
        List<bool> same = [];
        await using Server server = await Server.StartAsync(
            app => app.MapPost("/", (HttpContext context) =>
            {
                Assert.IsAssignableFrom<GreenStream>(context.Request.Body);
                Assert.IsAssignableFrom<GreenStream>(context.Response.Body);
                context.Request.Body.CopyTo(context.Response.Body);
            }),
            before: app => app.Use(async (context, next) =>
            {
                (Stream request, Stream response, PipeReader reader) = (context.Request.Body, context.Response.Body, context.Request.BodyReader);
                await next(context);
                same.AddRange([request == context.Request.Body, response == context.Response.Body, reader == context.Request.BodyReader]);
                await context.Response.WriteAsync("!");
                Assert.Null(SynchronizationContext.Current);
            }));

        Assert.Equal("body!", await server.PostAsync("/", new StringContent("body")));
        Assert.Equal([true, true, true], same);
    }
}
