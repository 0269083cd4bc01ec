using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Tests.Synchronization;

namespace NativeGreenlet.Cooperative.Tests.Leaks;

/// <summary>
/// Every place of the layer that waits, and waits at it that are given up: by a kill, a time limit, a <see cref="GreenTimeout"/>, a
/// token. The place lives on, as an application's shutdown event does, and nothing may be left on it.
/// </summary>
/// <remarks>A little may not tell: what is swept out now and then, or grows by doubling. So it is 200,000 waits at each place, a quarter of
/// them in each way; at those that are slow, a tenth of that.</remarks>
public class GivenUpWaitTests
{
    private const int Rounds = 50_000;
    private const int SlowRounds = 5_000;

    private static readonly TimeSpan s_soon = TimeSpan.FromTicks(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(40);

    // What does not wait at something that goes on, or leaves a thread, or a process, behind on purpose.
    private static readonly string[] s_left =
        ["Hub.Yield", "Hub.Offload", "GreenProcess.Run", "GreenSsl", "GreenHttpHandler.Send", "GreenSocket.Send", "GreenStream.Write", "GreenStream.Flush"];

    // What asks the system, or goes to a thread of the pool and back.
    private static readonly string[] s_slow = ["GreenSocket", "GreenStream", "Hub.Enumerate", "GreenChannelBridge", "GreenPeriodicTimer"];

    [Fact]
    public void Two_hundred_thousand_waits_given_up_leave_nothing() => InHub.OnThread(
        () => Hub.Run(() =>
        {
            // The hub never sleeps, so that a time limit of nothing takes no millisecond.
            GreenTask spinner = Hub.Spawn(() =>
            {
                while (true)
                {
                    Hub.Yield();
                }
            });
            List<string?> found = [];
            int places = 0;
            foreach (WaitingPlace place in WaitingPlaces.All())
            {
                using (place)
                {
                    if (s_left.Any(name => place.Name.StartsWith(name, StringComparison.Ordinal)))
                    {
                        continue;
                    }

                    bool isSlow = s_slow.Any(name => place.Name.StartsWith(name, StringComparison.Ordinal));
                    found.Add(Growth.TryFind(new Operation(place.Name, () => GiveUp(place)), isSlow ? SlowRounds : Rounds));
                    places++;
                }
            }

            spinner.Kill();
            Assert.Equal([], found.Where(each => each is not null));
            Assert.InRange(places, 50, 200);
        }),
        s_patience);

    // Once in each way.
    private static void GiveUp(WaitingPlace place)
    {
        GreenTask killed = Hub.Spawn(place.Wait);
        Hub.Yield();
        killed.Kill();
        _ = place.Limited?.Invoke(place.Name.StartsWith("GreenStream", StringComparison.Ordinal) ? InHub.Tick : s_soon); // streams have no less
        GreenTimeout.TryRun(s_soon, place.Wait);
        using CancellationTokenSource source = new();
        Task run = Hub.Current.InvokeAsync(place.Wait, source.Token);
        Hub.Yield();
        source.Cancel();
        while (!run.IsCompleted)
        {
            Hub.Yield();
        }
    }
}
