using System.Diagnostics;

namespace NativeGreenlet.Weaving.Tests;

/// <summary>Where a scenario runs: on a thread, or in a hub whose other tasks must go on while it waits.</summary>
internal sealed class Stage
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
    private readonly bool _isInHub;
    private readonly List<Task> _partners = [];
    private readonly Stack<IDisposable> _kept = [];
    private int _ticks;

    private Stage(bool isInHub)
    {
        _isInHub = isInHub;
    }

    /// <summary>Runs a scenario on a thread of its own.</summary>
    public static string OnThread(Func<Stage, string> scenario)
    {
        Stage stage = new(isInHub: false);
        string result = "it hangs";
        Thread thread = new(() => result = Describe(stage, scenario)) { IsBackground = true };
        thread.Start();
        Assert.True(thread.Join(s_patience), "The scenario hangs on a thread.");
        stage.Finish();
        return result;
    }

    /// <summary>Runs it in a hub. Another task of that must have gone on meanwhile if the scenario waits.</summary>
    public static string InHub(Func<Stage, string> scenario)
    {
        Stage stage = new(isInHub: true);
        string result = "it hangs";
        Thread thread = new(() => Hub.Run(() =>
        {
            GreenTask ticker = Hub.Spawn(() =>
            {
                while (true)
                {
                    Hub.Sleep(TimeSpan.FromMilliseconds(1));
                    Interlocked.Increment(ref stage._ticks);
                }
            });
            result = Describe(stage, scenario);
            ticker.Kill();
        })) { IsBackground = true };
        thread.Start();
        Assert.True(thread.Join(s_patience + s_patience), "The scenario hangs in a hub.");
        stage.Finish();
        return result;
    }

    /// <summary>Disposes of an object when all partners have ended. A partner whose call has let the scenario go on may still be in that call.</summary>
    public T Keep<T>(T disposable)
        where T : IDisposable
    {
        _kept.Push(disposable);
        return disposable;
    }

    /// <summary>Does something on another thread when the scenario waits for it: in a hub, when other tasks have gone on.</summary>
    public void Later(Action action) => Now(() =>
    {
        Await();
        action();
    });

    /// <summary>Does something on another thread at once.</summary>
    public void Now(Action action) => _partners.Add(Task.Factory.StartNew(
        action,
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default));

    /// <summary>Whether another task of the hub has gone on since the beginning; true outside a hub.</summary>
    public bool HasTicked => !_isInHub || Volatile.Read(ref _ticks) > 0;

    /// <summary>Says that what was waited for is the passing of a time, in which a hub must have gone on.</summary>
    public void RequireTicks() => Assert.True(HasTicked, "The hub stood still.");

    private static string Describe(Stage stage, Func<Stage, string> scenario)
    {
        try
        {
            return scenario(stage);
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
        {
            return $"{exception.GetType().Name}: {exception.Message} {exception.InnerException?.GetType().Name}";
        }
        catch (Exception exception)
        {
            return exception.Message;
        }
    }

    private void Await()
    {
        if (!_isInHub)
        {
            Thread.Sleep(20);
            return;
        }

        int ticks = Volatile.Read(ref _ticks);
        Stopwatch watch = Stopwatch.StartNew();
        while (Volatile.Read(ref _ticks) < ticks + 3)
        {
            Thread.Sleep(1);
            Assert.True(watch.Elapsed < s_patience, "The scenario blocks its hub.");
        }
    }

    // What a partner saw counts.
    private void Finish()
    {
        foreach (Task partner in _partners)
        {
            partner.GetAwaiter().GetResult();
        }

        while (_kept.TryPop(out IDisposable? disposable))
        {
            disposable.Dispose();
        }
    }
}
