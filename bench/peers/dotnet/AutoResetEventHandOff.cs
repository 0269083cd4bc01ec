namespace NativeGreenlet.Peer;

internal sealed class AutoResetEventHandOff : ThreadHandOff
{
    private readonly AutoResetEvent[] _turns = [new(false), new(false)];

    protected override void GiveTurn(int party) => _turns[party].Set();

    protected override void WaitForTurn(int party) => _turns[party].WaitOne();
}
