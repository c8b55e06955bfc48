"""What an archive holds, looked at: nothing here asks the API."""
