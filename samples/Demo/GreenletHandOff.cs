namespace NativeGreenlet.Demo;

internal sealed class GreenletHandOff : IHandOff
{
    public string Name => "greenlet switch";

    public void RoundTrips(int count)
    {
        Greenlet main = Greenlet.Current;
        using Greenlet other = new(() =>
        {
            while (true)
            {
                main.Switch();
            }
        });
        for (int i = 0; i < count; i++)
        {
            other.Switch();
        }
    }
}
