using System.Diagnostics;
using System.Globalization;

namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>Requests that wait for long, until nearly all of them are frozen. For a child process, of which all figures are.</summary>
/// <remarks>A handler that takes anything but the context is called by a dynamic method that was made for it.</remarks>
internal static class WaitingRequests
{
    public const string Argument = "waiting-requests";
    public const string OnTransport = "transport";
    public const string OnKestrel = "kestrel";
    public const string WithContext = "context";
    public const string WithParameters = "parameters";

    private const int Count = 400;
    private const int Aim = Count * 95 / 100;

    public static async Task RunAsync(string transport, string handler)
    {
        Server.IsOnTransport = transport == OnTransport;
        TaskCompletionSource end = new();
        int begun = 0;
        await using Server server = await Server.StartAsync(
            app =>
            {
                if (handler == WithParameters)
                {
                    app.MapGet("/{number}", (int number, bool? isLong) => Wait(string.Create(CultureInfo.InvariantCulture, $"{number}")));
                }
                else
                {
                    app.Run(context => context.Response.WriteAsync(Wait(context.Request.Path.Value![1..])));
                }
            },
            options => options.Hubs = 2);
        Task<string>[] replies = [.. Enumerable.Range(0, Count).Select(i => server.GetAsync(string.Create(CultureInfo.InvariantCulture, $"/{i}")))];
        Stopwatch watch = Stopwatch.StartNew();
        while (GreenletDiagnostics.Frozen < Aim && watch.Elapsed < Server.Patience / 2)
        {
            GC.Collect(0);
            await Task.Delay(10); // lessons take a twentieth of the time
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(GreenletDiagnostics.Frozen >= Aim ? "frozen" : "not enough are frozen")}: {GreenletDiagnostics.Frozen} of {Volatile.Read(ref begun)} requests after {watch.Elapsed.TotalSeconds:F1} s"));
        GreenletDiagnostics.Dump(Console.Out);
        end.SetResult();
        Assert.Equal(Enumerable.Range(0, Count).Select(i => i.ToString(CultureInfo.InvariantCulture)), await Task.WhenAll(replies).WaitAsync(Server.Patience));
        Console.WriteLine("answered");

        string Wait(string answer)
        {
            Interlocked.Increment(ref begun);
            Hub.Await(end.Task);
            return answer;
        }
    }
}
