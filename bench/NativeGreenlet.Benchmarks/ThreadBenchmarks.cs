using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>A switch against two threads of which one runs at a time, by each of the usual means.</summary>
[MemoryDiagnoser]
public class ThreadBenchmarks
{
    private readonly object _lock = new();
    private readonly AutoResetEvent[] _events = [new(false), new(false)];
    private readonly SemaphoreSlim[] _semaphores = [new(0), new(0)];
    private readonly ManualResetEventSlim[] _slimEvents = [new(false), new(false)];
    private volatile bool _isOver;
    private int _turn;
    private Thread? _partner;

    [GlobalSetup(Target = nameof(MonitorHandOff))]
    public void StartMonitor() => Start(
        () =>
        {
            AwaitTurn(1);
            GiveTurn(0);
        });

    [GlobalSetup(Target = nameof(AutoResetEventHandOff))]
    public void StartAutoResetEvent() => Start(
        () =>
        {
            _events[1].WaitOne();
            _events[0].Set();
        });

    [GlobalSetup(Target = nameof(SemaphoreSlimHandOff))]
    public void StartSemaphoreSlim() => Start(
        () =>
        {
            _semaphores[1].Wait();
            _semaphores[0].Release();
        });

    [GlobalSetup(Target = nameof(ManualResetEventSlimHandOff))]
    public void StartManualResetEventSlim() => Start(
        () =>
        {
            _slimEvents[1].Wait();
            _slimEvents[1].Reset();
            _slimEvents[0].Set();
        });

    [GlobalCleanup]
    public void Stop()
    {
        _isOver = true;
        GiveTurn(1);
        _events[1].Set();
        _semaphores[1].Release();
        _slimEvents[1].Set();
        _partner?.Join();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = 2 * OwnThread.Rounds, Description = "greenlet switch")]
    public void GreenletSwitch() => OwnThread.Switch(static () => Bouncing.Start());

    [Benchmark(OperationsPerInvoke = 2, Description = "Monitor.Wait/Pulse")]
    public void MonitorHandOff()
    {
        GiveTurn(1);
        AwaitTurn(0);
    }

    [Benchmark(OperationsPerInvoke = 2, Description = "AutoResetEvent")]
    public void AutoResetEventHandOff()
    {
        _events[1].Set();
        _events[0].WaitOne();
    }

    [Benchmark(OperationsPerInvoke = 2, Description = "SemaphoreSlim")]
    public void SemaphoreSlimHandOff()
    {
        _semaphores[1].Release();
        _semaphores[0].Wait();
    }

    [Benchmark(OperationsPerInvoke = 2, Description = "ManualResetEventSlim")]
    public void ManualResetEventSlimHandOff()
    {
        _slimEvents[1].Set();
        _slimEvents[0].Wait();
        _slimEvents[0].Reset();
    }

    private void Start(Action handOff)
    {
        _partner = new Thread(() =>
        {
            while (!_isOver)
            {
                handOff();
            }
        })
        {
            IsBackground = true,
        };
        _partner.Start();
    }

    private void GiveTurn(int party)
    {
        lock (_lock)
        {
            _turn = party;
            Monitor.Pulse(_lock);
        }
    }

    private void AwaitTurn(int party)
    {
        lock (_lock)
        {
            while (_turn != party)
            {
                Monitor.Wait(_lock);
            }
        }
    }
}
