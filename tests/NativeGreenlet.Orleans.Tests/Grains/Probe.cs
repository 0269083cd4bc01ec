using NativeGreenlet.Orleans.Engine;
using Orleans.Runtime;

namespace NativeGreenlet.Orleans.Tests.Grains;

/// <inheritdoc cref="IProbe"/>
[RunOnGreenlets]
public sealed class Probe : Grain, IProbe
{
    private int _count;
    private int _reading;

    public Task<string[]> Look()
    {
        List<string> seen = [];
        Note("at first");
        Hub.Sleep(TimeSpan.FromMilliseconds(1));
        Note("after a sleep");
        Hub.Await(Task.Delay(1));
        Note("after a .NET task");
        Hub.Spawn(() =>
        {
            Note("in a task of it");
            Hub.Yield();
            Note("in a task of it, later");
        }).Join();
        Hub.Await(NoteInAsync());
        Hub.Spawn(() => Hub.Await(NoteInAsync())).Join();
        using (IGrainTimer timer = this.RegisterGrainTimer(static _ => Task.CompletedTask, TimeSpan.FromHours(1), TimeSpan.FromHours(1)))
        {
            DelayDeactivation(TimeSpan.FromSeconds(1));
        }

        Task started = Task.Factory.StartNew(() => Note("in a started task"), CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Current);
        Hub.Await(started);
        return Task.FromResult<string[]>([.. seen]);

        async Task NoteInAsync()
        {
            Note("in asynchronous code");
            await Task.Delay(1);
            Note("in asynchronous code, later");
        }

        void Note(string when) => seen.Add(
            $"{when}: {OrleansInternals.Context?.GrainId.Equals(GrainContext.GrainId)} {TaskScheduler.Current.GetType().Name} {SynchronizationContext.Current?.GetType().Name ?? "none"} {RequestContext.Get("user")}");
    }

    public Task<int> Increment(bool onGreenlet)
    {
        int before = _count;
        if (onGreenlet)
        {
            Hub.Sleep(TimeSpan.FromMilliseconds(1));
            Hub.Yield();
        }

        _count = before + 1;
        return Task.FromResult(_count);
    }

    public Task<int> ReadTogether(int howMany)
    {
        _reading++;
        while (_reading < howMany)
        {
            Hub.Sleep(TimeSpan.FromMilliseconds(1)); // for ever, if they were one after the other
        }

        return Task.FromResult(_reading);
    }

    public Task<string> Ping() => Task.FromResult("pong");

    public Task<string> CallBack(IProbe other)
    {
        using IDisposable scope = RequestContext.AllowCallChainReentrancy();
        return Task.FromResult(Hub.Await(other.CallMe(this.AsReference<IProbe>())));
    }

    public Task<string> CallMe(IProbe who) => Task.FromResult(Hub.Await(who.Increment(onGreenlet: true)) > 0 ? "called back" : string.Empty);

    public Task WaitUntilCancelled(string key, CancellationToken cancellationToken)
    {
        try
        {
            Signals.Set(key + " waits");
            Hub.Sleep(Timeout.InfiniteTimeSpan, CancellationToken.None); // the call has the token
        }
        finally
        {
            Hub.Yield();
            Signals.Set(key + " cleaned");
        }

        return Task.CompletedTask;
    }

    public Task WaitForEver(string key)
    {
        try
        {
            Signals.Set(key + " waits");
            Hub.Await(Signals.Of(key + " go on"));
        }
        finally
        {
            Hub.Yield();
            Signals.Set(key + " cleaned");
        }

        return Task.CompletedTask;
    }

    public Task Fail()
    {
        Hub.Yield();
        throw new FormatException("from below");
    }

    public Task WaitTogether(string key, int howMany)
    {
        Signals.Count(key, howMany);
        Hub.Await(Signals.Of(key + " go on"));
        return Task.CompletedTask;
    }

    public Task Leave()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }
}
