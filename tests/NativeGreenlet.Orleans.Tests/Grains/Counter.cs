using Orleans.Concurrency;

namespace NativeGreenlet.Orleans.Tests.Grains;

/// <inheritdoc cref="ICounter"/>
[Reentrant]
public sealed class Counter : Grain, ICounter
{
    private readonly CounterSteps _steps = new();

    [RunOnGreenlets]
    public Task Blocking(int steps, int seed)
    {
        TakeAll(steps, new Random(seed));
        return Task.CompletedTask;
    }

    public async Task Asynchronous(int steps, int seed)
    {
        Random random = new(seed);
        for (int i = 0; i < steps; i++)
        {
            _steps.Take(random);
            switch (random.Next(20))
            {
                case 0:
                    await Task.Delay(random.Next(2));
                    break;

                case 1:
                    await Task.Run(static () => Thread.SpinWait(100));
                    break;

                default:
                    await Task.Yield();
                    break;
            }
        }
    }

    [RunOnGreenlets]
    public Task Spawned(int steps, int tasks, int seed)
    {
        GreenTask[] all = [.. Enumerable.Range(0, tasks).Select(number => Hub.Spawn(() => TakeAll(steps, new Random(seed + number))))];
        Hub.WaitAll(all);
        Assert.All(all, static task => Assert.True(task.IsSuccessful));
        return Task.CompletedTask;
    }

    public Task<(int Count, int Overlaps)> Value() => Task.FromResult((_steps.Count, _steps.Overlaps));

    // Waits of all kinds, each of which lets others have the turn.
    private void TakeAll(int steps, Random random)
    {
        for (int i = 0; i < steps; i++)
        {
            _steps.Take(random);
            switch (random.Next(20))
            {
                case 0:
                    Hub.Sleep(TimeSpan.FromMilliseconds(random.Next(2)));
                    break;

                case 1:
                    Hub.Await(Task.Run(static () => Thread.SpinWait(100)));
                    break;

                case 2:
                    Hub.Await(TakeLater(random)); // a step in asynchronous code that a greenlet began
                    i++;
                    break;

                default:
                    Hub.Yield();
                    break;
            }
        }
    }

    private async Task TakeLater(Random random)
    {
        await Task.Yield();
        _steps.Take(random);
    }
}
