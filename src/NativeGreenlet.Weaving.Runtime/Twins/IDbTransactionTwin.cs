using System.Data;
using System.Data.Common;
using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="IDbTransaction"/>, where it is a <see cref="DbTransaction"/>, in woven code: outside a hub they do the same, inside one they park the
/// task, by the asynchronous methods.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(IDbTransaction))]
[StackTraceHidden]
public static class IDbTransactionTwin
{
    public static void Commit(IDbTransaction self)
    {
        if (self is DbTransaction transaction)
        {
            DbTransactionTwin.Commit(transaction);
        }
        else
        {
            self.Commit();
        }
    }

    public static void Rollback(IDbTransaction self)
    {
        if (self is DbTransaction transaction)
        {
            DbTransactionTwin.Rollback(transaction);
        }
        else
        {
            self.Rollback();
        }
    }
}
