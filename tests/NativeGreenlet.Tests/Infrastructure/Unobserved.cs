using System.Collections.Concurrent;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>Listens to <see cref="Greenlet.UnobservedException"/>, which is one event for all tests: what it heard is told
/// by the greenlet's name. Does not keep the greenlets alive.</summary>
internal sealed class Unobserved : IDisposable
{
    private readonly ConcurrentQueue<(string? Name, Exception Exception, int ThreadId, GreenletState State)> _heard = new();

    public Unobserved() => Greenlet.UnobservedException += OnUnobserved;

    public IReadOnlyList<(Exception Exception, int ThreadId, GreenletState State)> Of(string name) =>
        [.. _heard.Where(heard => heard.Name == name).Select(heard => (heard.Exception, heard.ThreadId, heard.State))];

    public void Dispose() => Greenlet.UnobservedException -= OnUnobserved;

    private void OnUnobserved(object? sender, UnobservedGreenletExceptionEventArgs e)
    {
        Assert.Same(sender, e.Greenlet);
        _heard.Enqueue((e.Greenlet.Name, e.Exception, Environment.CurrentManagedThreadId, e.Greenlet.State));
    }
}
