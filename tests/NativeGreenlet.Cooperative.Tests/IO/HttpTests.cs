using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary><see cref="GreenHttpHandler"/>: the answer comes at its headers, and its body is read as it comes.</summary>
public class HttpTests
{
    // Each way to read a content of which the second half comes only when a task of the same hub has gone on meanwhile.
    private static readonly Dictionary<string, Func<HttpContent, string>> s_ways = new()
    {
        ["ReadAsStream"] = content => Text(content.ReadAsStream()),
        ["ReadAsStream by bytes"] = content => Bytes(content.ReadAsStream()),
        ["ReadAsStream with a token"] = content => Text(content.ReadAsStream(CancellationToken.None)),
        ["CopyTo"] = content =>
        {
            using MemoryStream all = new();
            content.CopyTo(all, null, CancellationToken.None);
            return Encoding.UTF8.GetString(all.ToArray());
        },
        ["ReadAsStreamAsync, then its synchronous methods"] = content => Text(Hub.Await(content.ReadAsStreamAsync)),
        ["ReadAsStringAsync"] = content => Hub.Await(content.ReadAsStringAsync),
        ["ReadAsByteArrayAsync"] = content => Encoding.UTF8.GetString(Hub.Await(content.ReadAsByteArrayAsync)),
        ["CopyToAsync"] = content =>
        {
            using MemoryStream all = new();
            Hub.Await(token => content.CopyToAsync(all, token));
            return Encoding.UTF8.GetString(all.ToArray());
        },
        ["LoadIntoBufferAsync, then ReadAsStream"] = content =>
        {
            Hub.Await(token => content.LoadIntoBufferAsync(token));
            return Text(content.ReadAsStream());
        },
        ["ReadFromJsonAsync"] = content => Hub.Await(token => content.ReadFromJsonAsync<string>(token))!,
        ["Dispose after a part"] = content =>
        {
            using Stream stream = content.ReadAsStream();
            Assert.Equal('"', stream.ReadByte());
            return "ab";
        },
    };

    public static TheoryData<string> Ways => new(s_ways.Keys);

    [Theory]
    [MemberData(nameof(Ways))]
    public void Every_way_to_read_a_content_parks(string way) => InHub.Run(() =>
    {
        foreach (bool isSynchronous in new[] { true, false })
        {
            using ManualResetEventSlim rest = new();
            using ThreadServer server = new(stream =>
            {
                ThreadServer.ReadHead(stream);
                ThreadServer.Write(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b\r\nContent-Type: application/json\r\n\r\n\"a");
                rest.Wait(InHub.Long);
                ThreadServer.Write(stream, "b\"");
                stream.ReadByte();
            });
            using HttpClient client = new(new GreenHttpHandler());
            using HttpRequestMessage request = new(HttpMethod.Get, server.Address);
            using HttpResponseMessage response = isSynchronous
                ? client.Send(request, HttpCompletionOption.ResponseHeadersRead)
                : Hub.Await(token => client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token));
            Assert.False(rest.IsSet); // it came at its headers
            Assert.Equal(4, response.Content.Headers.ContentLength);
            Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
            GreenTask ticker = Hub.Spawn(() =>
            {
                Hub.Sleep(InHub.Tick * 5);
                rest.Set();
            });
            Assert.Equal("ab", s_ways[way](response.Content).Trim('"'));
            Assert.True(ticker.Join(InHub.Long));
        }
    });

    [Fact]
    public void Send_without_an_option_has_the_body_in_memory() => InHub.Run(() =>
    {
        using ManualResetEventSlim rest = new();
        using ThreadServer server = new(stream =>
        {
            ThreadServer.ReadHead(stream);
            ThreadServer.Write(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
            rest.Wait(InHub.Long);
            ThreadServer.Write(stream, "1\r\nb\r\n0\r\nX-Trailer: c\r\n\r\n");
            stream.ReadByte();
        });
        using HttpClient client = new(new GreenHttpHandler());
        using HttpRequestMessage request = new(HttpMethod.Get, server.Address);
        Hub.Spawn(() =>
        {
            Hub.Sleep(InHub.Tick * 20);
            rest.Set();
        });
        using HttpResponseMessage response = client.Send(request);
        Assert.True(rest.IsSet);
        Stream stream = response.Content.ReadAsStream();
        Assert.True(stream.CanSeek);
        Assert.Equal("ab", Text(stream));
        Assert.Equal(2, response.Content.Headers.ContentLength);
        Assert.Equal("c", response.TrailingHeaders.GetValues("X-Trailer").Single());
    });

    [Fact]
    public void An_endless_body_is_read_as_it_comes_and_left() => InHub.Run(() =>
    {
        using ManualResetEventSlim hasEnded = new();
        using ThreadServer server = new(stream =>
        {
            ThreadServer.ReadHead(stream);
            try
            {
                ThreadServer.Write(stream, "HTTP/1.1 200 OK\r\n\r\n");
                for (int i = 0; ; i++)
                {
                    ThreadServer.Write(stream, $"line {i}\n");
                }
            }
            finally
            {
                hasEnded.Set();
            }
        });
        using HttpClient client = new(new GreenHttpHandler());
        using (HttpResponseMessage response = client.Send(new HttpRequestMessage(HttpMethod.Get, server.Address), HttpCompletionOption.ResponseHeadersRead))
        {
            using StreamReader reader = new(response.Content.ReadAsStream());
            for (int i = 0; i < 10_000; i++)
            {
                Assert.Equal($"line {i}", reader.ReadLine());
            }
        }

        ProcessTests.Until(() => hasEnded.IsSet);
    });

    [Fact]
    public void A_kill_and_a_timeout_end_a_read_of_the_body() => InHub.Run(() =>
    {
        using ThreadServer server = new(stream =>
        {
            ThreadServer.ReadHead(stream);
            ThreadServer.Write(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
            stream.ReadByte();
        });
        using HttpClient client = new(new GreenHttpHandler());
        foreach (Action<HttpContent> read in new Action<HttpContent>[] { content => Text(content.ReadAsStream()), content => content.CopyTo(Stream.Null, null, CancellationToken.None) })
        {
            GreenTask task = Hub.Spawn(() =>
            {
                using HttpResponseMessage response = client.Send(new HttpRequestMessage(HttpMethod.Get, server.Address), HttpCompletionOption.ResponseHeadersRead);
                read(response.Content);
            });
            Hub.Sleep(InHub.Tick * 50);
            Assert.True(task.Kill(timeout: InHub.Long));
            Assert.True(task.IsKilled);
            Assert.False(GreenTimeout.TryRun(InHub.Tick * 50, () => client.Send(new HttpRequestMessage(HttpMethod.Get, server.Address))));
        }
    });

    [Fact]
    public void Outside_of_a_hub_it_refuses_with_a_sentence_and_its_asynchronous_methods_work() => Task.Run(async () =>
    {
        using ThreadServer server = new(stream =>
        {
            ThreadServer.ReadHead(stream);
            ThreadServer.Write(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\"a");
            Thread.Sleep(100);
            ThreadServer.Write(stream, "b\"");
            stream.ReadByte();
        });
        using HttpClient client = new(new GreenHttpHandler());
        Assert.Throws<MissingHubException>(() => client.Send(new HttpRequestMessage(HttpMethod.Get, server.Address)));
        using HttpResponseMessage response = await client.GetAsync(new Uri(server.Address), HttpCompletionOption.ResponseHeadersRead);
        Assert.Throws<MissingHubException>(() => response.Content.CopyTo(Stream.Null, null, CancellationToken.None));
        Assert.Equal("\"ab\"", await client.GetStringAsync(new Uri(server.Address)));
    }).Wait(InHub.Patience);

    private static string Text(Stream stream)
    {
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    private static string Bytes(Stream stream)
    {
        StringBuilder text = new();
        while (stream.ReadByte() is >= 0 and var value)
        {
            text.Append((char)value);
        }

        return text.ToString();
    }
}
