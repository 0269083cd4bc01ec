using System.Data;
using System.Data.Common;
using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="DbTransaction"/> and of every class that derives from it in woven code: outside a hub they do the same, inside one they park the
/// task, by the asynchronous methods.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(DbTransaction))]
[StackTraceHidden]
public static class DbTransactionTwin
{
    public static void Commit(DbTransaction self)
    {
        if (Databases.CanPark(self))
        {
            Databases.Run(self, self.CommitAsync);
        }
        else
        {
            self.Commit();
        }
    }

    public static void Rollback(DbTransaction self)
    {
        if (Databases.CanPark(self))
        {
            Databases.Run(self, self.RollbackAsync);
        }
        else
        {
            self.Rollback();
        }
    }

    public static void Rollback(DbTransaction self, string savepointName)
    {
        if (Databases.CanPark(self))
        {
            Databases.Run(self, token => self.RollbackAsync(savepointName, token));
        }
        else
        {
            self.Rollback(savepointName);
        }
    }

    public static void Save(DbTransaction self, string savepointName)
    {
        if (Databases.CanPark(self))
        {
            Databases.Run(self, token => self.SaveAsync(savepointName, token));
        }
        else
        {
            self.Save(savepointName);
        }
    }

    public static void Release(DbTransaction self, string savepointName)
    {
        if (Databases.CanPark(self))
        {
            Databases.Run(self, token => self.ReleaseAsync(savepointName, token));
        }
        else
        {
            self.Release(savepointName);
        }
    }
}
