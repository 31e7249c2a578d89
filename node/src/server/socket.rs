//! The socket in the file system: ours alone, and never taken from a node that lives.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::config::SocketAccess;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A node answers there.
    #[error("{}: another node is running on this socket", .0.display())]
    InUse(PathBuf),
    /// Something else stands there.
    #[error("{}: is not a socket; it is left alone", .0.display())]
    NotASocket(PathBuf),
    /// The file system says no.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// A listening socket. Its file goes with it.
#[derive(Debug)]
pub(super) struct Socket {
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// Listens on `path`. A socket that a dead node left is replaced.
    pub(super) fn listen(path: &Path, access: SocketAccess) -> Result<(Self, UnixListener), SocketError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| SocketError::Io { path, error }
        };
        refuse_if_taken(path)?;
        // Made under another name and moved into place: nobody can connect before the mode is set, and a dead
        // node's socket is replaced in one step.
        let making = making_path(path);
        match fs::remove_file(&making) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&making)(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&making).map_err(failed(&making))?;
        fs::set_permissions(&making, fs::Permissions::from_mode(access.mode())).map_err(failed(&making))?;
        listener.set_nonblocking(true).map_err(failed(&making))?;
        let inode = fs::symlink_metadata(&making).map_err(failed(&making))?.ino();
        fs::rename(&making, path).map_err(failed(path))?;
        Ok((Self { path: path.to_owned(), inode }, listener))
    }
}

fn making_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn refuse_if_taken(path: &Path) -> Result<(), SocketError> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(SocketError::Io { path: path.to_owned(), error }),
        Ok(metadata) => metadata,
    };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::NotASocket(path.to_owned()));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(SocketError::InUse(path.to_owned())),
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) => Ok(()),
        Err(error) => Err(SocketError::Io { path: path.to_owned(), error }),
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.ino() == self.inode);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "the socket's file stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let (socket, _listener) = Socket::listen(&path, SocketAccess::User).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(Socket::listen(&path, SocketAccess::User), Err(SocketError::InUse(_))));
        drop(socket);
        assert!(!path.exists());
        let (_socket, _listener) = Socket::listen(&path, SocketAccess::Group).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        fs::write(&path, "mine").unwrap();
        assert!(matches!(Socket::listen(&path, SocketAccess::User), Err(SocketError::NotASocket(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}
