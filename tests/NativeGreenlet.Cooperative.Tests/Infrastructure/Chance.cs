namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>Random timing inside a hub.</summary>
internal static class Chance
{
    /// <summary>Sleeps, yields, waits for the pool, or does nothing.</summary>
    public static void Pause(this Random random)
    {
        switch (random.Next(6))
        {
            case 0:
                Hub.Sleep(InHub.Tick * random.Next(3));
                break;
            case 1:
            case 2:
                Hub.Yield();
                break;
            case 3:
                Hub.Await(Task.Run(static () => { }));
                break;
            default:
                break;
        }
    }

    /// <summary>A short limit, or none.</summary>
    public static TimeSpan Patience(this Random random) => random.Next(3) == 0 ? InHub.Tick * random.Next(1, 3) : Timeout.InfiniteTimeSpan;
}
