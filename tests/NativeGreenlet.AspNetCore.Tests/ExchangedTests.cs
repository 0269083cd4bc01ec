using System.Diagnostics;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>What middleware inside a request puts in the place of its form and bodies: synchronous calls park there, too. There is one
/// hub, and while one request waits it must answer another.</summary>
public class ExchangedTests
{
    [Theory]
    [InlineData("/form")]
    [InlineData("/form/parks")]
    public async Task A_form_parks(string path)
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/form", (HttpContext context) =>
                {
                    context.Features.Set<IFormFeature>(new FormFeature(context.Request));
                    GreenTask<string> other = Hub.Spawn(() => context.Request.Form["a"].ToString());
                    Assert.Equal(context.Request.Form["a"].ToString(), other.Result);
                    return other.Result;
                });
                app.MapControllers();
                app.MapGet("/small", () => "small");
            },
            options => options.Hubs = 1,
            services => services.AddControllers().AddApplicationPart(typeof(FormController).Assembly));
        string value = new('x', 30_000);

        string answer = await server.PostAsync(path, new SlowContent(Encoding.ASCII.GetBytes($"a={value}"), "application/x-www-form-urlencoded", between: () => server.GetAsync("/small")));

        Assert.Equal(value, answer);
    }

    [Fact]
    public async Task The_pipe_of_a_request_parks()
    {
        Pipe pipe = new();
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/", (HttpContext context) =>
                {
                    context.Features.Set<IRequestBodyPipeFeature>(new Other(pipe.Reader));
                    Assert.Same(context.Request.BodyReader, context.Request.BodyReader);
                    using StreamReader reader = new(context.Request.BodyReader.AsStream());
                    return reader.ReadToEnd();
                });
                app.MapPost("/write", (string text) => Hub.Await(pipe.Writer.WriteAsync(Encoding.ASCII.GetBytes(text))).IsCompleted);
            },
            options => options.Hubs = 1);
        Task<string> all = server.PostAsync("/", new StringContent("not this"));
        await server.PostAsync("/write?text=a", new StringContent(string.Empty)).WaitAsync(Server.Patience);
        await server.PostAsync("/write?text=b", new StringContent(string.Empty)).WaitAsync(Server.Patience);
        await pipe.Writer.CompleteAsync();

        Assert.Equal("ab", await all.WaitAsync(Server.Patience));
    }

    /// <summary>Whether the body is a stream, or a feature as that of compression is.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_pipe_of_a_response_parks(bool isStream)
    {
        using GatedStream gated = new();
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/", (HttpContext context) =>
                {
                    if (isStream)
                    {
                        context.Response.Body = gated;
                    }
                    else
                    {
                        context.Features.Set<IHttpResponseBodyFeature>(new OtherBody(gated));
                    }

                    Assert.Same(context.Response.BodyWriter, context.Response.BodyWriter);
                    Assert.Same(gated, context.Response.Body);
                    using Stream stream = context.Response.BodyWriter.AsStream(leaveOpen: true);
                    stream.Write("written"u8);
                    stream.Flush();
                });
                app.MapGet("/open", () => gated.Open());
            },
            options => options.Hubs = 1);
        Task<string> writing = server.GetAsync("/");
        await gated.IsReached.WaitAsync(Server.Patience);
        await server.GetAsync("/open").WaitAsync(Server.Patience);
        await writing.WaitAsync(Server.Patience);

        Assert.Equal("written", Encoding.ASCII.GetString(gated.ToArray()));
    }

    /// <summary>The framework puts the server's back, and that ends the response when it is told so.</summary>
    [Fact]
    public async Task A_body_that_is_put_back_is_the_one_before()
    {
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        List<object?> outside = [];
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", (HttpContext context) =>
            {
                (Stream body, PipeWriter writer) = (context.Response.Body, context.Response.BodyWriter);
                IHttpResponseBodyFeature before = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
                using MemoryStream mine = new();
                context.Response.Body = mine;
                using (StreamWriter text = new(context.Response.BodyWriter.AsStream(leaveOpen: true)))
                {
                    text.Write("mine");
                }

                context.Response.Body = body;
                Assert.Same(before, context.Features.Get<IHttpResponseBodyFeature>());
                Assert.Same(writer, context.Response.BodyWriter);
                context.Response.Body.Write(mine.ToArray());
                Hub.Await(context.Response.CompleteAsync());
                Hub.Await(go.Task);
            }),
            before: app => app.Use(async (context, next) =>
            {
                (IFeatureCollection features, IHttpResponseBodyFeature? body) = (context.Features, context.Features.Get<IHttpResponseBodyFeature>());
                await next(context);
                outside.AddRange([features == context.Features, body == context.Features.Get<IHttpResponseBodyFeature>()]);
            }));

        Assert.Equal("mine", await server.GetAsync("/").WaitAsync(Server.Patience));
        go.SetResult();
        await server.StopAsync();
        Assert.Equal([true, true], outside);
    }

    /// <summary>Outside is what was put in place, not what the request saw.</summary>
    [Fact]
    public async Task What_was_put_in_place_is_what_is_outside()
    {
        FormFeature form = new(FormCollection.Empty);
        Other pipe = new(PipeReader.Create(Stream.Null));
        using GatedStream gated = new();
        OtherBody body = new(gated);
        List<object?> outside = [];
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", (HttpContext context) =>
            {
                IFeatureCollection features = context.Features;
                features.Set<IFormFeature>(form);
                features[typeof(IRequestBodyPipeFeature)] = pipe;
                features.Set<IHttpResponseBodyFeature>(body);
                features.Set(features.Get<IFormFeature>()); // as middleware puts back what it found
                features.Set(features.Get<IRequestBodyPipeFeature>());
                features[typeof(IHttpResponseBodyFeature)] = features[typeof(IHttpResponseBodyFeature)];
            }),
            before: app => app.Use(async (context, next) =>
            {
                IFeatureCollection features = context.Features;
                IHttpResponseBodyFeature? own = features.Get<IHttpResponseBodyFeature>();
                await next(context);
                outside.AddRange([features.Get<IFormFeature>(), features.Get<IRequestBodyPipeFeature>(), features.Get<IHttpResponseBodyFeature>()]);
                features.Set(own);
            }));

        await server.GetAsync("/");

        Assert.Equal([form, pipe, body], outside);
    }

    [Fact]
    public async Task Answers_are_compressed_through_every_way_to_the_body()
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.UseResponseCompression();
                app.MapGet("/body", (HttpContext context) => Write(context, () => context.Response.Body));
                app.MapGet("/writer", (HttpContext context) => Write(context, () => context.Response.BodyWriter.AsStream(leaveOpen: true)));
            },
            options => options.Hubs = 1,
            services => services.AddResponseCompression());

        foreach (string path in new[] { "/body", "/writer" })
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path) { Headers = { { "Accept-Encoding", "gzip" } } };
            using HttpResponseMessage reply = await server.Client.SendAsync(request);
            Assert.Equal("gzip", reply.Content.Headers.ContentEncoding.Single());
            using StreamReader reader = new(new GZipStream(await reply.Content.ReadAsStreamAsync(), CompressionMode.Decompress));
            Assert.Equal(new string('x', 100_000), await reader.ReadToEndAsync());
        }

        static void Write(HttpContext context, Func<Stream> body)
        {
            context.Response.ContentType = "text/plain";
            Stream stream = body();
            for (int i = 0; i < 10; i++)
            {
                stream.Write(Encoding.ASCII.GetBytes(new string('x', 10_000)));
            }

            stream.Flush();
        }
    }

    /// <summary>A named pipe that nobody writes to is opened for ever.</summary>
    [Fact]
    public async Task A_file_that_cannot_be_opened_at_once_does_not_block_the_hub()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using (Process making = Process.Start("mkfifo", path))
        {
            await making.WaitForExitAsync();
        }

        TaskCompletionSource sending = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/file", (HttpContext context) =>
                {
                    sending.SetResult();
                    Hub.Await(context.Response.SendFileAsync(path));
                });
                app.MapGet("/small", () => "small");
            },
            options => options.Hubs = 1);
        Task<HttpResponseMessage> file = server.Client.GetAsync(new Uri("/file", UriKind.Relative));
        await sending.Task.WaitAsync(Server.Patience);

        Assert.Equal("small", await server.GetAsync("/small").WaitAsync(Server.Patience));

        await using (new FileStream(path, FileMode.Open, FileAccess.Write))
        {
            // It is opened now.
        }

        using HttpResponseMessage answer = await file.WaitAsync(Server.Patience);
        Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.InternalServerError); // .NET's streams may refuse pipes
        System.IO.File.Delete(path);
    }

    private sealed class Other(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader => reader;
    }

    private sealed class OtherBody(Stream stream) : IHttpResponseBodyFeature
    {
        public Stream Stream => stream;

        public PipeWriter Writer { get; } = PipeWriter.Create(stream);

        public void DisableBuffering()
        {
        }

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task CompleteAsync() => Task.CompletedTask;
    }

    /// <summary>Takes nothing before it is opened.</summary>
    private sealed class GatedStream : MemoryStream
    {
        private readonly TaskCompletionSource _isReached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _isOpen = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task IsReached => _isReached.Task;

        public bool Open() => _isOpen.TrySetResult();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _isReached.TrySetResult();
            await _isOpen.Task.WaitAsync(Server.Patience / 2, cancellationToken);
            Write(buffer.Span);
        }
    }
}
