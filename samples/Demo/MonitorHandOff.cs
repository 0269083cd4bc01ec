namespace NativeGreenlet.Demo;

internal sealed class MonitorHandOff : ThreadHandOff
{
    private readonly object _lock = new();
    private int _turn;

    public override string Name => "threads: Monitor.Wait/Pulse";

    protected override void GiveTurn(int party)
    {
        lock (_lock)
        {
            _turn = party;
            Monitor.Pulse(_lock);
        }
    }

    protected override void WaitForTurn(int party)
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
