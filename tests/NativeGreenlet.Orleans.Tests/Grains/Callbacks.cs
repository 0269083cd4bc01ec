using Orleans.Runtime;
using Orleans.Streams;

namespace NativeGreenlet.Orleans.Tests.Grains;

/// <inheritdoc cref="ICallbacks"/>
public sealed class Callbacks([PersistentState("state")] IPersistentState<CallbackState> state) : Grain, ICallbacks, IRemindable
{
    private int _ticks;
    private bool _isIn;
    private int _items;
    private string _reminder = string.Empty;

    public Task<string> RunBody() => this.RunOnGreenletsAsync(static () =>
    {
        Hub.Sleep(TimeSpan.FromMilliseconds(1));
        return TaskScheduler.Current.GetType().Name;
    });

    // The call ends when what it began has; that is outside of its turns.
    public Task RunBodyOutside() => Task.Run(() => this.RunOnGreenletsAsync(static () => { }));

    public Task Tick(string key, int times)
    {
        this.RegisterGrainTimer(
            token => this.RunOnGreenletsAsync(
                () =>
                {
                    Assert.False(_isIn);
                    _isIn = true;
                    Hub.Sleep(TimeSpan.FromMilliseconds(1));
                    _isIn = false;
                    if (++_ticks == times)
                    {
                        Signals.Set(key);
                    }
                },
                token),
            TimeSpan.Zero,
            TimeSpan.FromMilliseconds(1));
        return Task.CompletedTask;
    }

    [RunOnGreenlets]
    public Task Remind(string key)
    {
        _reminder = key;
        Hub.Await(this.RegisterOrUpdateReminder("reminder", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)));
        return Task.CompletedTask;
    }

    [RunOnGreenlets]
    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        Hub.Sleep(TimeSpan.FromMilliseconds(1));
        IGrainReminder? reminder = Hub.Await(this.GetReminder(reminderName));
        Hub.Await(this.UnregisterReminder(reminder!));
        Signals.Set(_reminder);
        return Task.CompletedTask;
    }

    [RunOnGreenlets]
    public Task Subscribe(Guid stream, string key)
    {
        Hub.Await(Stream(stream).SubscribeAsync((item, _) => this.RunOnGreenletsAsync(() =>
        {
            Hub.Sleep(TimeSpan.FromMilliseconds(1));
            Assert.Equal(_items++, item);
            Signals.Count(key, 10);
        })));
        return Task.CompletedTask;
    }

    [RunOnGreenlets]
    public Task Send(Guid stream, int items)
    {
        for (int i = 0; i < items; i++)
        {
            Hub.Await(Stream(stream).OnNextAsync(i));
        }

        return Task.CompletedTask;
    }

    [RunOnGreenlets]
    public Task<int> Store(int value)
    {
        int before = state.State.Value;
        state.State.Value = value;
        Hub.Await(state.WriteStateAsync());
        Hub.Await(state.ReadStateAsync());
        Assert.Equal(value, state.State.Value);
        return Task.FromResult(before);
    }

    private IAsyncStream<int> Stream(Guid id) => this.GetStreamProvider("memory").GetStream<int>(StreamId.Create("test", id));
}
