namespace NativeGreenlet.Peer;

/// <summary>Spins a little before it blocks: on two idle cores it seldom blocks at all.</summary>
internal sealed class SemaphoreSlimHandOff : ThreadHandOff
{
    private readonly SemaphoreSlim[] _turns = [new(0), new(0)];

    protected override void GiveTurn(int party) => _turns[party].Release();

    protected override void WaitForTurn(int party) => _turns[party].Wait();
}
