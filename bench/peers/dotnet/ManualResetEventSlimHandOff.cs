namespace NativeGreenlet.Peer;

/// <summary>Spins a little before it blocks.</summary>
internal sealed class ManualResetEventSlimHandOff : ThreadHandOff
{
    private readonly ManualResetEventSlim[] _turns = [new(false), new(false)];

    protected override void GiveTurn(int party) => _turns[party].Set();

    protected override void WaitForTurn(int party)
    {
        _turns[party].Wait();
        _turns[party].Reset();
    }
}
