namespace NativeGreenlet.Tests.Infrastructure;

internal static class Expect
{
    /// <summary>Asserts that something throws a <see cref="GreenletException"/> for a reason, and returns it.</summary>
    public static GreenletException Failure(GreenletError reason, Func<object?> action)
    {
        GreenletException exception = Assert.Throws<GreenletException>(() => { _ = action(); });
        Assert.Equal(reason, exception.Reason);
        return exception;
    }

    public static GreenletException Failure(GreenletError reason, Action action) => Failure(
        reason,
        () =>
        {
            action();
            return null;
        });
}
