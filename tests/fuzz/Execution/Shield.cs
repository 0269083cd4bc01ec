using System.Runtime.ExceptionServices;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Plays what is inside where no exception may leave: what comes is kept, nothing more is played, and it is raised
/// afterwards.</summary>
internal sealed class Shield(Step step)
{
    private ExceptionDispatchInfo? _error;

    public bool HasError => _error is not null;

    /// <summary>Plays the next operation of the body; false if there is none left, or one has failed.</summary>
    public bool PlayNext()
    {
        try
        {
            return _error is null && step.PlayNext();
        }
        catch (Exception exception)
        {
            _error = ExceptionDispatchInfo.Capture(exception);
            return false;
        }
    }

    /// <summary>Plays the next operation of the handler; false if there is none left, or one has failed.</summary>
    public bool PlayNextOfHandler()
    {
        try
        {
            return _error is null && step.PlayNextOfHandler();
        }
        catch (Exception exception)
        {
            _error = ExceptionDispatchInfo.Capture(exception);
            return false;
        }
    }

    /// <summary>Raises what was kept, once.</summary>
    public void Raise()
    {
        ExceptionDispatchInfo? error = _error;
        _error = null;
        error?.Throw();
    }
}
