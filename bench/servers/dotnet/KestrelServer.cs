using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace NativeGreenlet.Servers;

/// <summary>The HTTP server as a handler of ASP.NET Core.</summary>
internal static class KestrelServer
{
    public static void Run(bool onGreenlets, bool onTransport, RequestDelegate handler, Action<int> ready)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSockets(options => options.Backlog = Program.Backlog);
        if (onTransport)
        {
            builder.WebHost.UseGreenletTransport(options => options.Backlog = Program.Backlog);
        }

        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0);
            options.AllowSynchronousIO = true; // for blocking handlers on the thread pool
        });
        if (onGreenlets)
        {
            builder.Services.AddGreenlets();
        }

        WebApplication app = builder.Build();
        if (onGreenlets)
        {
            app.UseGreenlets();
        }

        app.Run(handler);
        app.StartAsync().GetAwaiter().GetResult();
        ready(new Uri(app.Urls.First()).Port);
        Thread.Sleep(Timeout.Infinite);
    }

    /// <summary>A synchronous handler that waits for nothing.</summary>
    public static Task Greet(HttpContext context)
    {
        Describe(context.Response);
        context.Response.Body.Write(Downstream.Request);
        return Task.CompletedTask;
    }

    /// <summary>An asynchronous one.</summary>
    public static async Task GreetAsync(HttpContext context)
    {
        Describe(context.Response);
        await context.Response.Body.WriteAsync(Downstream.Request);
    }

    /// <summary>A synchronous handler: the same on greenlets and on threads of the pool.</summary>
    public static Task Answer(HttpContext context, ConnectionPool<Stream> pool, Func<Stream> connect)
    {
        byte[] answer = new byte[Downstream.Bytes];
        Stream downstream = pool.TryTake() ?? connect();
        downstream.Write(Downstream.Request);
        downstream.ReadExactly(answer);
        pool.Return(downstream);
        Describe(context.Response);
        context.Response.Body.Write(answer);
        return Task.CompletedTask;
    }

    /// <summary>An asynchronous one.</summary>
    public static async Task AnswerAsync(HttpContext context, ConnectionPool<Stream> pool, int downstreamPort)
    {
        byte[] answer = new byte[Downstream.Bytes];
        Stream downstream = pool.TryTake() ?? await AsyncServer.ConnectAsync(downstreamPort);
        await downstream.WriteAsync(Downstream.Request);
        await downstream.ReadExactlyAsync(answer);
        pool.Return(downstream);
        Describe(context.Response);
        await context.Response.Body.WriteAsync(answer);
    }

    private static void Describe(HttpResponse response)
    {
        response.ContentType = "text/plain";
        response.ContentLength = Downstream.Bytes;
    }
}
