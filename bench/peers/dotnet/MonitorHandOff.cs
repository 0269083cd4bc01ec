namespace NativeGreenlet.Peer;

internal sealed class MonitorHandOff : ThreadHandOff
{
    private readonly object _lock = new(); // Monitor's Wait and Pulse take no System.Threading.Lock
    private int _turn;

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
