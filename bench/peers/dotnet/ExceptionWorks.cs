namespace NativeGreenlet.Peer;

/// <summary>An exception that stays where it is: the least that one which is thrown into a greenlet can cost.</summary>
internal sealed class ExceptionWorks : Works
{
    public ExceptionWorks()
    {
        Add("throw", Throw);
    }

    private static void Throw(int count)
    {
        for (int i = 0; i < count; i++)
        {
            try
            {
                throw new InvalidOperationException();
            }
            catch (InvalidOperationException)
            {
            }
        }
    }
}
